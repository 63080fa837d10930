"""`rpc`: a method of Kamailio's control plane."""

from typing import Any

from kzrules.language.word import ANY, TEXT, Example, Kind, Parameter
from kzrules.message.action import Remote
from kzrules.words.remote import asking


def rpc(method: Any, params: Any) -> Remote:
    """The method as it is written."""
    return Remote("rpc", {"method": method, "params": params}, method, params)


WORD = asking(
    "rpc",
    "Calls a method of Kamailio's JSON-RPC and gives its result; meanwhile other events go on. "
    'It can fail: `else (why) { }` says what then, and `why` is `"timeout"`, `"disconnected"`, `"busy"`, '
    '`"bad_reply"`, or `"refused: ..."` with what Kamailio says. For tables, dispatcher and statistics: '
    "what a call needs goes into its answer.",
    (
        Parameter("method", TEXT, "its name, as `kamcmd` lists it"),
        Parameter("params", frozenset({Kind.LIST}), "its parameters in order", []),
    ),
    ANY,
    (
        Example('rpc("core.uptime") else { use {} }'),
        Example('rpc("htable.dump", ["calls"], timeout: 1s, on: "proxy") else (why) { done(why) }'),
    ),
    rpc,
)
