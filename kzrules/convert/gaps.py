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
        r"pres_refresh_watchers",
        "presence",
        "with a `kamailio` declaration `presence_refresh_watchers(uri, event) else { ... }` does it",
    ),
    (
        r"kazoo_pua_publish.*|pres_.*|pua_.*|handle_(publish|subscribe)|send_publish",
        "presence",
        "presence lives in Kamailio: hand the payload to a route there by `event_route(...)`, or publish it",
    ),
    (
        r"sql_.*|db_.*|avp_db_.*",
        "sql",
        "rules reach no database: remember it in a table, or ask the service that owns it with `query`",
    ),
    (
        r"registered|reg_.*|unregister|save|lookup.*|ul_.*|add_contact",
        "registrar",
        "contacts live in Kamailio: `registrations(aor)` and `unregister(aor)` reach them by its JSON-RPC",
    ),
    (
        r"ds_.*",
        "dispatcher",
        "the dispatcher lives in Kamailio: `dispatcher_reload()` and its kin reach it by JSON-RPC",
    ),
    (r"jsonrpc_.*|rpc_.*", "rpc", "a command for Kamailio: `rpc(method, params) else { ... }` sends it"),
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
