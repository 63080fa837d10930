"""Which Kamailio a word means that asks or tells one. `check_call` asks, for each such call."""

from kzrules.language.checking.names import Effects, Names
from kzrules.language.findings.nearest import did_you_mean, one_of
from kzrules.language.findings.short import error
from kzrules.language.tree import Call, Expr, Literal
from kzrules.language.word import Doing, Word

ANSWER_HELP = "`answer` is for questions of Kamailio's; an asker on the bus gets a `reply`"


def which(names: Names, effects: Effects, word: Word, expr: Call, torn: str) -> None:
    """A Kamailio that is not declared, or that takes no JSON-RPC."""
    names.reaches_kamailio = True
    if not names.kamailios:
        if not torn:
            text = f"`{word.name}` needs a Kamailio, and none is declared"
            way_out = 'declare it: kamailio proxy { rpc: "http://127.0.0.1:8080/jsonrpc" }'
            names.findings.add(error("KZ525", text, expr.name_span, help=way_out))
        return
    said = _said(word, expr)
    if said is None:
        if word.doing is Doing.RPC and len(names.kamailios) > 1:
            effects.asks_one.append(expr.name_span)
        elif word.doing is Doing.RPC:
            _takes_rpc(names, next(iter(names.kamailios)), expr)
    elif isinstance(said, Literal) and isinstance(said.value, str):
        if said.value in names.kamailios:
            _takes_rpc(names, said.value, expr, word)
        elif not torn:
            way_out = did_you_mean(said.value, names.kamailios, f"there is {one_of(names.kamailios)}")
            text = f"no Kamailio is declared as `{said.value}`"
            names.findings.add(error("KZ525", text, said.span, help=way_out))


def _said(word: Word, expr: Call) -> Expr | None:
    """The argument that names it, where there is one."""
    wanted = "kamailio" if word.doing is Doing.TELL else "on"
    for number, argument in enumerate(expr.arguments):
        if argument.name == wanted or (word.doing is Doing.TELL and argument.name is None and number == 0):
            return argument.value
    return None


def _takes_rpc(names: Names, name: str, expr: Call, word: Word | None = None) -> None:
    if word is not None and word.doing is Doing.TELL:
        return
    item = names.kamailios[name]
    if not any(pair.name == "rpc" for pair in item.settings):
        text = f"`{expr.name}` asks `{name}`, whose declaration has no `rpc`"
        way_out = 'write in it: rpc: "http://127.0.0.1:8080/jsonrpc"'
        names.findings.add(error("KZ525", text, expr.name_span, help=way_out))
