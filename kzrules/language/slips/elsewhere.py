"""What is written here for the words, names and methods of Kamailio, JavaScript, Python, SQL and shells.

The parser asks where such a word does not fit, the checker where nobody has declared it.
"""

_LOG = 'write `info("...")`; there are `debug`, `warn` and `error` too'
_TEMPLATE = 'a text takes values in braces: "{.From} is {.State}"'
_THERE = "write `.From != null`; a field that is missing reads as `null`"
_EMPTY = 'write `(.From ?? "") == ""`: what is missing reads as `null`'
_LOOP = "loops run over what is there: `for v in list { }`, `for k, v in object { }`"
_LATER = (
    "rules do not stand still: `after 5s as later { }` does something later, `retry` tries the event again"
)
_END = 'an event ends with `done`, `retry("why")` or `reject("why")`'
_KIND = "a kind is not asked for: compare the value, or turn it with `text`, `int` or `number`"
_PATTERN = "write `.From matches /^sip:/`"
_STATE = "rules remember in a `table`: `x[key] = value`, `x[key]`, `delete x[key]`"
_KAMAILIO = (
    "Kamailio's own state is reached by `rpc`, or in a route of its own by `event_route`: docs/kamailio.md"
)
_PRESENCE = "`tell` hands the payload to a route of Kamailio's own, which publishes it: docs/kamailio.md"
_SQL = (
    "there is no database here: remember in a `table`, or let a route of Kamailio's do it: docs/kamailio.md"
)
_MATH = "there are `+ - * / %`, `min`, `max`, `sum` and `int`"


def _each(names: str, advice: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), advice)


CALLS = {
    **_each("print printf println echo puts log logger syslog say", _LOG),
    **_each("ack accept settle basic_ack", "write `done`: it acknowledges when all is safe"),
    **_each("nack requeue fail abort basic_nack basic_reject", _END),
    **_each("stop quit halt finish end", _END),
    **_each("throw raise die", 'write `reject("why")`, or `retry("why")` to try again later'),
    **_each("sleep usleep wait delay setTimeout setInterval", _LATER),
    **_each("range xrange enumerate foreach map filter each", _LOOP),
    **_each("exists isset defined is_null isnull is_none is_set pv_isset", _THERE),
    **_each("empty is_empty isempty strempty not_empty blank", _EMPTY),
    **_each("str string String to_string toString tostring as_text", "write `text(x)`"),
    **_each("sprintf format concat strcat interpolate", _TEMPLATE),
    **_each("size length strlen count_items cardinality", "write `len(x)`"),
    **_each("float Number parseFloat to_number decimal", "write `number(x)`"),
    **_each("parseInt to_int toint integer floor round trunc", "write `int(x)`"),
    **_each("abs ceil pow sqrt mod", _MATH),
    **_each("json_encode to_json dumps stringify encode_json", "write `json(x)`"),
    **_each("json_decode from_json loads decode_json json_parse", "write `parse_json(x)`"),
    **_each("tolower strtolower lowercase lcase downcase", "write `lower(x)`"),
    **_each("toupper strtoupper uppercase ucase upcase", "write `upper(x)`"),
    **_each("startswith startsWith has_prefix begins_with", "write `starts_with(text, start)`"),
    **_each("endswith endsWith has_suffix", "write `ends_with(text, end)`"),
    **_each("includes strstr index_of indexOf find", "write `contains(x, part)`"),
    **_each("regex re_match regex_match test search matches", _PATTERN),
    **_each("re_sub regsub gsub sub replace_all", "write `replace_matches(text, pattern, by)`"),
    **_each("substring slice mid", "write `substr(text, start, length)`"),
    **_each("coalesce ifnull nvl default get_or", "write `x ?? y`"),
    **_each("typeof type isinstance is_string is_number is_int is_list", _KIND),
    **_each("time timestamp date strftime", "write `now()`, `now_ms()` or `format_time(...)`"),
    **_each("get set put remember cache cache_store cache_fetch", _STATE),
    **_each("sht_lock sht_reset sht_rm_name_re sht_rm_value_re sht_print", _STATE),
    **_each("mq_add mq_fetch rtimer shv_set", "remember in a `table`; a timer is `every 5s { }`"),
    **_each("sql_query sql_xquery sql_pvquery sql_result_free db_query", _SQL),
    **_each("kazoo_pua_publish pua_publish pua_json_publish pres_update_watchers", _PRESENCE),
    **_each("kazoo_pua_publish_dialoginfo kazoo_pua_publish_mwi kazoo_pua_publish_presence", _PRESENCE),
    "pres_refresh_watchers": "write `presence_refresh_watchers(...)`",
    "ds_reload": "write `dispatcher_reload()`",
    **_each("ds_select ds_select_dst t_relay lookup save registered reg_fetch_contacts", _KAMAILIO),
    **_each("jsonrpc_exec rpc_exec uac_req_send append_hf is_method sl_send_reply", _KAMAILIO),
    **_each("t_reply t_suspend evapi_relay evapi_async_relay has_totag", _KAMAILIO),
    "routes": "write `emit NAME()`: every `on NAME() { }` runs",
    "include": 'write `use "other.kzr"` outside of routes',
    "require": 'write `use "other.kzr"` outside of routes',
    **_each("Object Array Map Set dict list tuple", "an object is `{ }`, a list `[ ]`"),
    "NOT": "write `not (...)`",
    "send": "write `publish(exchange, key, body)`",
    "emit": "write `emit NAME(...)` as a statement",
    "call": "a subroutine is called by its name: `name(...)`",
    "request": "write `query(exchange, key, body, timeout: 2s) else (why) { ... }`",
    "rpc_call": "write `query(exchange, key, body, timeout: 2s) else (why) { ... }`",
    "respond": "write `reply(body)`",
    "getenv": "rules read no environment but that of a `setting`: KZRULES_NAME sets `setting name`",
    "env": "rules read no environment but that of a `setting`: KZRULES_NAME sets `setting name`",
}
"""Calls that are none here, and what is written instead."""

_PAYLOAD = "the received object is `payload`, a field of it `.From`"
_TRUTH = {"yes": "true", "on": "true", "no": "false", "off": "false", "True": "true", "False": "false"}

OPERATORS = {
    "contains": "contains({}, ...)", "includes": "contains({}, ...)", "has": "contains({}, ...)",
    "starts_with": "starts_with({}, ...)", "startswith": "starts_with({}, ...)",
    "ends_with": "ends_with({}, ...)", "endswith": "ends_with({}, ...)", "like": "{} matches /.../",
    "LIKE": "{} matches /.../", "instanceof": "has({}, ...)", "div": "int({} / ...)", "mod": "{} % ...",
    "between": "{0} >= ... and {0} <= ...",
}  # fmt: skip
"""Words between two values, and what is written instead; `{}` is the first of them."""

COMPARES = {
    "eq": ("EQUAL", "=="), "equals": ("EQUAL", "=="), "EQ": ("EQUAL", "=="), "ne": ("UNEQUAL", "!="),
    "NE": ("UNEQUAL", "!="), "lt": ("LESS", "<"), "gt": ("MORE", ">"), "le": ("AT_MOST", "<="),
    "ge": ("AT_LEAST", ">="), "AND": ("AND", "and"), "And": ("AND", "and"), "OR": ("OR", "or"),
    "Or": ("OR", "or"), "IS": ("EQUAL", "=="), "is": ("EQUAL", "=="),
}  # fmt: skip
"""Words between two values that have a sign or a word of the same meaning here."""

NEEDLESS = {
    "await": "a `query` waits by itself",
    "async": "what waits does so by itself",
    "new": "an object is written as it is: { }",
    "typeof": _KIND,
}
"""Words before a value that are left out here."""

NAMES = {
    **_each("msg message body data json event req request this self", _PAYLOAD),
    **_each("kzE input doc record it", _PAYLOAD),
    **_each("_ default otherwise any", "what fits no arm is `else => { }`"),
    **{word: f"write `{meant}`" for word, meant in _TRUTH.items()},
    **_each("hostname host server_id", "this host's name is `node`"),
    **_each("routing_key exchange headers redelivered", "what the broker said is `meta.routing_key`"),
}
"""Names that nothing sets here, and what is written instead."""

METHODS = {
    **_each("lower toLowerCase downcase casefold", "lower({})"),
    **_each("upper toUpperCase upcase", "upper({})"),
    **_each("strip trim", "trim({})"),
    **_each("startswith startsWith starts_with has_prefix", "starts_with({}, ...)"),
    **_each("endswith endsWith ends_with", "ends_with({}, ...)"),
    **_each("includes contains indexOf find has", "contains({}, ...)"),
    **_each("match test matches search", "{} matches /.../"),
    **_each("length size count len", "len({})"),
    **_each("push append add concat", "{0} = [...{0}, ...]"),
    **_each("extend update merge assign", "{} with {{ ... }}"),
    **_each("substring substr slice", "substr({}, ...)"),
    **_each("toString to_string to_s", "text({})"),
    **_each("get at fetch", "{0}[...]` or `{0}.Name"),
    **_each("set put store", "{}[key] = value"),
    **_each("delete remove del pop", "delete {}[key]"),
    **{word: word + "({})" for word in ("keys", "values", "join", "split", "replace", "sort", "unique")},
}
"""Methods, and what is written instead; `{}` is what they are called on."""

_MODULES = {
    "json.dumps": "write `json(x)`", "JSON.stringify": "write `json(x)`",
    "json.loads": "write `parse_json(x)`", "JSON.parse": "write `parse_json(x)`",
    "time.time": "write `now()`", "Date.now": "write `now_ms()`", "Math.floor": "write `int(x)`",
    "Math.max": "write `max(...)`", "Math.min": "write `min(...)`", "re.match": _PATTERN,
    "re.search": _PATTERN,
    "Object.keys": "write `keys(x)`", "Object.values": "write `values(x)`", "time.sleep": _LATER,
    "uuid.uuid4": "write `uuid()`",
}  # fmt: skip
LOGGERS = frozenset({"console", "log", "logger", "logging", "KSR", "print"})


def method(base: str, name: str) -> str:
    """What is written in place of `base.name(...)`."""
    if base in LOGGERS:
        return _LOG
    if f"{base}.{name}" in _MODULES:
        return _MODULES[f"{base}.{name}"]
    if NAMES.get(base) == _PAYLOAD:
        base = "payload"
    if name in METHODS:
        return f"write `{METHODS[name].format(base)}`"
    return f"a word takes the value in parentheses: word({base}, ...)"
