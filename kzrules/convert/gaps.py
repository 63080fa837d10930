"""Why a function of Kamailio has no counterpart in rules, and what is done instead."""

import re

_SIP = (
    r"t_.*|sl_.*|send.*|uac_.*|append_.*|remove_hf.*|is_.*|has_.*|msg_.*|force_.*|fix_.*|set_.*|handle_.*"
    r"|proxy_.*|www_.*|pv_.*|auth_.*|consume_.*|record_.*|loose_.*|rewrite.*|subst.*|search.*|dlg_.*"
    r"|setflag|isflagset|resetflag|setbflag|nat_.*|add_.*|forward.*|route_.*|mt_.*|allow_.*|from_.*|via_.*"
    r"|sdp_.*|rtp.*|permissions.*|xhttp_.*|strip.*|prefix|evapi_.*|http_.*|sanity_.*|maxfwd_.*|pike_.*"
)
_KINDS: tuple[tuple[str, str, str], ...] = (
    (
        r"kazoo_pua_publish.*|pres_.*|pua_.*|handle_(publish|subscribe)|send_publish",
        "presence",
        "presence lives in Kamailio's database: publish the state, and let whoever writes it listen",
    ),
    (
        r"sql_.*|db_.*|avp_db_.*",
        "sql",
        "rules reach no database: remember it in a table, or ask the service that owns it with `query`",
    ),
    (
        r"registered|reg_.*|unregister|save|lookup.*|ul_.*|add_contact",
        "registrar",
        "contacts live in Kamailio: keep those that `reg_success` tells of in a table, or ask by its RPC",
    ),
    (
        r"ds_.*",
        "dispatcher",
        "the dispatcher lives in Kamailio: reload it there when a rule publishes a change",
    ),
    (r"jsonrpc_.*|rpc_.*", "rpc", "a command for Kamailio itself: leave it there"),
    (r"mq_.*", "queue", "a queue that Kamailio's own processes share: keep a table, or do the work at once"),
    (r"sht_.*", "table", "rules do not walk over a table or compare its entries in this way"),
    (
        _SIP,
        "sip",
        "it is about a SIP message or its transaction, and an event has none",
    ),
)


def why(function: str) -> tuple[str, str]:
    """The kind of the gap, and the sentence for it."""
    for pattern, kind, reason in _KINDS:
        if re.fullmatch(pattern, function):
            return kind, f"`{function}`: {reason}"
    return "function", f"`{function}` has no counterpart here"
