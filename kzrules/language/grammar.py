"""The grammar as tables: lark reads `grammar/kzrules.lark` and works out its LALR(1) table once,
the table is kept, and `lalr` walks it. So the grammar file is the language, and lark need not even
be imported when the table is at hand.
"""

import marshal
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from kzrules.language import cache as kept
from kzrules.shipped import shipped

STARTS = ("file", "declaration", "block", "expression")
END = "$END"

Take = tuple[int, bool]
"""Which value of a rule's right side is taken (-1: a `None`), and whether it is a list to spread."""
Takes = tuple[Take, ...]
Rule = tuple[str, str, int, Takes, bool]
"""Its name, the symbol that it makes, its length, what is taken, whether it only hands on."""


@dataclass(frozen=True, slots=True)
class Tables:
    """What the walk needs. An action is the next state, or the complement of a rule's number."""

    actions: list[dict[str, int]]
    gotos: list[dict[str, int]]
    starts: dict[str, int]
    ends: dict[str, int]
    rules: list[Rule]
    words: dict[str, str]
    """Keywords and signs, and the terminals that they are."""
    patterns: dict[str, str]
    """The other terminals, and the regular expressions that they are."""
    plans: dict[type, list[Any]] = field(default_factory=dict, compare=False)
    """What reducing by each rule does, by the class that makes its values: `lalr` fills it in."""
    jumps: dict[tuple[int, int, str], int] = field(default_factory=dict, compare=False)
    """Where rules that only hand on lead to, as `lalr` finds out: the state below, on top, the token."""


@cache
def tables() -> Tables:
    """Return the tables, from the cache or made anew."""
    grammar = shipped("grammar").joinpath("kzrules.lark").read_text("utf-8")
    key = kept.key_of("tables 1", grammar)
    found = kept.read("grammar", key)
    plain = marshal.loads(found) if found else _build(grammar)  # noqa: S302  our own, private and checked
    if not found:
        kept.write("grammar", key, marshal.dumps(plain))
    return Tables(*plain)


def _build(grammar: str) -> tuple[Any, ...]:
    from lark import Lark  # noqa: PLC0415  slow to import, and seldom needed
    from lark.lexer import Lexer  # noqa: PLC0415  as above

    class NoLexer(Lexer):
        """Our own reads the tokens: lark's, with its search for terminals that collide, takes as
        long to make as the tables. A test has lark look for them.
        """

        def __init__(self, _terminals: Any) -> None:
            """Nothing to prepare."""

        def lex(self, _state: Any, _parser_state: Any) -> Any:
            raise NotImplementedError

    lark = Lark(grammar, parser="lalr", start=list(STARTS), maybe_placeholders=True, lexer=NoLexer)
    table = lark.parser.parser._parse_table  # noqa: SLF001  held by a test
    numbers = {rule: number for number, rule in enumerate(lark.rules)}
    actions: list[dict[str, int]] = [{} for _ in table.states]
    gotos: list[dict[str, int]] = [{} for _ in table.states]
    for state, row in table.states.items():
        for name, (act, to) in row.items():
            if act.name == "Reduce":
                actions[state][str(name)] = ~numbers[to]
            else:
                (actions if name.isupper() or name == END else gotos)[state][str(name)] = to
    return (
        actions,
        gotos,
        dict(table.start_states),
        dict(table.end_states),
        [_rule(rule) for rule in lark.rules],
        {t.pattern.value: str(t.name) for t in lark.terminals if t.pattern.type == "str"},
        {str(t.name): t.pattern.value for t in lark.terminals if t.pattern.type == "re"},
    )


def _rule(rule: Any) -> Rule:
    """Number what a rule takes of its right side: not its keywords and signs; lists are spread."""
    taken: list[Take] = []
    symbols = iter(enumerate(rule.expansion))
    for is_gap in rule.options.empty_indices or [False] * len(rule.expansion):
        if is_gap:
            taken.append((-1, False))
            continue
        index, symbol = next(symbols)
        if not (symbol.is_term and symbol.filter_out):
            taken.append((index, symbol.name.startswith("_") and not symbol.is_term))
    name = str(rule.alias or rule.origin.name)
    hands_on = bool(rule.options.expand1) and not rule.alias and len(taken) == 1
    return name, str(rule.origin.name), len(rule.expansion), tuple(taken), hands_on
