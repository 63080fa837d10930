"""Kamailio's side: one script that asks by evapi, one that asks by `kazoo_query`; the rest is the same."""

from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples" / "kamailio"

_LOAD = """
debug={debug}
loadmodule "tm.so"
loadmodule "tmx.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "xlog.so"
loadmodule "textops.so"
loadmodule "siputils.so"
"""

ASKS = """
#!define KZRULES_ADDRESS "127.0.0.1:{evapi}"
#!define KZRULES_CLIENTS 64
#!define KZRULES_MS {ms}
loadmodule "htable.so"
loadmodule "jansson.so"
loadmodule "evapi.so"
include_file "kzrules.cfg"

request_route {{
    $var(kz_body) = "{{}}";
    jansson_set("string", "from", "$fU", "$var(kz_body)");
    jansson_set("string", "to", "$rU", "$var(kz_body)");
    jansson_set("string", "call_id", "$ci", "$var(kz_body)");
    if ($rU == "publish") {{
        # Without a transaction each retransmission would be one more event.
        if (!t_newtran()) exit;
        $var(kz_name) = "cdr";
        if (route(KZRULES_PUBLISH)) {{
            append_to_reply("X-Answer: a-$fU\\r\\n");
            t_reply("200", "OK");
        }} else t_reply("503", "not_connected");
        exit;
    }}
    $var(kz_name) = "route";
    route(KZRULES_ASK);
}}
route[KZRULES_ANSWERED] {{
    jansson_get("answer", "$var(kz_answer)", "$var(answer)");
    append_to_reply("X-Answer: $var(answer)\\r\\n");
    t_reply("200", "OK");
}}
route[KZRULES_FALLBACK] {{
    xlog("L_NOTICE", "fallback $var(kz_reason)\\n");
    t_reply("503", "$var(kz_reason)");
}}
"""

KAZOO = """
loadmodule "kazoo.so"
modparam("kazoo", "node_hostname", "proof.host")
modparam("kazoo", "pua_mode", 0)
modparam("kazoo", "amqp_connection", "{url}")

request_route {{
    if (!t_newtran()) exit;
    $var(payload) = '{{"Event-Category":"number","Event-Name":"find_req","From":"' + $fU
        + '","Number":"' + $rU + '","Call-ID":"' + $ci + '"}}';
    # Three arguments and a bare variable: the one form that does not crash before 5.8.5.
    if (kazoo_query("numbers", "number.find", $var(payload))) {{
        append_to_reply("X-Answer: $(kzR{{kz.json,Answer}})\\r\\n");
        t_reply("200", "OK");
    }} else {{
        t_reply("503", "late");
    }}
}}
"""

RULES = """
kamailio proxy {{
    evapi: "tcp:127.0.0.1:{evapi}"
    questions: 10_000
    events: 20_000
}}

event_route[kamailio:route] {{
    let found = query("numbers", "number.find", {{
        "Event-Category": "number", "Event-Name": "find_req",
        "From": .from, "Number": .to, "Call-ID": .call_id,
    }}, timeout: 5s) else (why) {{ reject(why) }}
    answer({{ "answer": found.Answer }})
}}

event_route[kamailio:cdr] {{
    publish("cdrs", "cdr", {{
        "Event-Category": "call", "Event-Name": "cdr", "From": .from, "Call-ID": .call_id,
    }})
}}
"""


def asking(evapi: int, ms: int = 2000, debug: int = 1) -> str:
    """A configuration that asks kzrules."""
    return (_LOAD + ASKS).format(evapi=evapi, ms=ms, debug=debug)


def kazoo(url: str, debug: int = 1) -> str:
    """The same with the module."""
    return (_LOAD + KAZOO).format(url=url, debug=debug)


def example(name: str, evapi: int) -> str:
    """An example's configuration, on ports of our own."""
    text = (EXAMPLES / f"{name}.cfg").read_text()
    kept = [line for line in text.splitlines() if not line.startswith(("listen=", "log_stderror="))]
    return f'#!define KZRULES_ADDRESS "127.0.0.1:{evapi}"\n' + "\n".join(kept) + "\n"
