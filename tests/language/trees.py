"""Random rule files as trees: every kind of node, as the parser would make them."""

import string
from typing import Any

from hypothesis import strategies as st

from kzrules.language import tree as t
from kzrules.language.parsing.grammar import tables

SPAN = t.Span("random.kzr", 1, 1, 1, 1)
KEYWORDS = {word for word in tables().words if word[0].isalpha()}
FOREIGN = {
    "xlog", "xinfo", "xwarn", "xerr", "xdbg", "exit", "drop", "elseif", "elsif", "elif", "switch",
    "while",
    "nil",
    "undefined", "listen", "children", "fork", "modparam", "loadmodule", "loadpath", "mpath", "fail",
}  # fmt: skip

names = st.text(string.ascii_lowercase + "_", min_size=1, max_size=6).filter(
    lambda word: word not in KEYWORDS and word not in FOREIGN and not word.startswith("kazoo_")
)
fields = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,8}", fullmatch=True) | st.text(max_size=4).filter(
    lambda x: "$" not in x
)
plain = st.text(st.characters(codec="utf-8", exclude_characters="$"), max_size=8)


def node(made: type, /, **parts: Any) -> st.SearchStrategy:
    return st.builds(made, span=st.just(SPAN), **parts)


literals = node(
    t.Literal,
    value=st.none() | st.booleans() | st.integers(0, 10**20) | st.floats(0, 1e300, allow_nan=False) | plain,
)
durations = node(t.DurationLiteral, milliseconds=st.integers(0, 10**9))
patterns = node(t.Regex, pattern=st.from_regex(r"\^?[a-z.:/@]{1,6}\$?", fullmatch=True))


def braceless(value: Any) -> bool:
    """A template's expressions have no texts with braces, no templates and no objects three deep."""
    if isinstance(value, t.Template):
        return False
    if isinstance(value, t.Literal) and isinstance(value.value, str):
        return not set(value.value) & set('{}"\\\n') and value.value.isprintable()
    if isinstance(value, t.Field) and set(value.name) & set('{}"\\\n'):
        return False
    if isinstance(value, t.ObjectExpr | t.With | t.Has | t.Matches):
        return False
    return all(braceless(child) for child in t.children(value))


def _templates(inner: st.SearchStrategy) -> st.SearchStrategy:
    holes = inner.filter(braceless)
    texts = plain.filter(bool)
    return st.lists(st.tuples(holes, texts), min_size=1, max_size=2).map(
        lambda pairs: t.Template(parts=tuple(part for pair in pairs for part in pair), span=SPAN)
    )


def calls(inner: st.SearchStrategy) -> st.SearchStrategy:
    positional = node(t.Argument, name=st.none(), value=inner)
    named = node(t.Argument, name=names, value=inner)
    return node(
        t.Call,
        name=names,
        arguments=st.lists(positional | named, max_size=3).map(tuple),
        name_span=st.just(SPAN),
    )


def objects(inner: st.SearchStrategy) -> st.SearchStrategy:
    keys = node(t.Literal, value=plain)
    entries = node(t.Entry, key=keys, value=inner) | node(t.Spread, value=inner)
    return node(t.ObjectExpr, entries=st.lists(entries, max_size=3).map(tuple))


def lists(inner: st.SearchStrategy) -> st.SearchStrategy:
    return node(t.ListExpr, items=st.lists(inner | node(t.Spread, value=inner), max_size=3).map(tuple))


def _more(inner: st.SearchStrategy) -> st.SearchStrategy:
    operators = st.sampled_from(
        ["or", "and", "==", "!=", "<", "<=", ">", ">=", "??", "+", "-", "*", "/", "%"]
    )
    return st.one_of(
        _templates(inner), calls(inner), objects(inner), lists(inner),
        node(t.Field, base=inner, name=fields),
        node(t.Index, base=inner | st.none(), key=inner),
        node(t.With, base=inner, changes=objects(inner)),
        node(t.Unary, op=st.sampled_from(["not", "-"]), operand=inner),
        node(t.Binary, op=operators, left=inner, right=inner),
        node(t.In, item=inner, choices=inner),
        node(t.Matches, subject=inner, pattern=patterns),
        node(t.IfExpr, condition=inner, then=inner, otherwise=inner),
    )  # fmt: skip


simple = literals | durations | node(t.Name, id=names) | node(t.Field, base=st.none(), name=fields)
expressions = st.recursive(simple, _more, max_leaves=8)


def blocks(inner: st.SearchStrategy) -> st.SearchStrategy:
    return node(t.Block, statements=st.lists(inner, max_size=3).map(tuple))


ends = node(t.End, kind=st.sampled_from(["done", "retry", "reject"]), why=st.none() | expressions)
otherwise = st.none() | node(t.Else, name=st.none() | names, body=blocks(ends))
small = st.one_of(
    ends,
    node(t.Let, name=names, value=expressions, otherwise=otherwise),
    node(t.Assign, name=names, value=expressions, otherwise=otherwise),
    node(
        t.TableSet,
        table=names,
        key=expressions,
        value=expressions,
        lasting=st.none() | expressions,
        otherwise=otherwise,
    ),
    node(t.Delete, table=names, key=expressions),
    node(t.DeleteWhere, table=names, condition=expressions),
    node(t.Emit, name=names, arguments=st.lists(expressions, max_size=2).map(tuple)),
    node(t.Return, value=expressions, otherwise=otherwise),
    node(t.Use, value=expressions),
    node(t.Do, call=calls(expressions), otherwise=otherwise),
)


def _larger(inner: st.SearchStrategy) -> st.SearchStrategy:
    body = blocks(inner)
    branches = st.lists(node(t.Branch, condition=expressions, body=body), min_size=1, max_size=2).map(tuple)
    arms = node(t.Arm, values=st.lists(expressions, min_size=1, max_size=2).map(tuple), body=body)
    return st.one_of(
        node(t.If, branches=branches, otherwise=st.none() | body),
        node(
            t.Match,
            subject=expressions,
            arms=st.lists(arms, max_size=2).map(tuple),
            otherwise=st.none() | body,
        ),
        node(
            t.For, names=st.lists(names, min_size=1, max_size=2).map(tuple), iterable=expressions, body=body
        ),
        node(t.After, delay=expressions, name=names, body=body),
    )


statements = st.recursive(small, _larger, max_leaves=4)
bodies = blocks(statements)
pairs = node(t.Pair, name=names, value=expressions, name_span=st.just(SPAN))
settings = st.lists(pairs, max_size=3).map(tuple)
targets = node(t.Target, name=expressions.filter(lambda e: True), settings=settings)
urls = st.lists(node(t.Literal, value=plain), max_size=2).map(tuple)
route_names = st.from_regex(r"[a-z:]{1,5}[a-z:*-]{0,12}", fullmatch=True)
parameters = st.lists(names, max_size=2).map(tuple)
steps = st.one_of(
    node(t.GivenSetting, name=names, value=expressions),
    node(t.GivenTable, table=names, key=expressions, value=expressions, lasting=st.none() | expressions),
    node(t.GivenCall, call=calls(expressions), answers=expressions),
    node(t.GivenCall, call=calls(expressions), fails=expressions),
    node(t.EventStep, subscription=st.none() | names, properties=st.just(()), payload=objects(expressions)),
    node(t.PassTime, duration=durations),
    node(t.ExpectRoute, name=st.none() | plain),
    node(t.ExpectCall, call=calls(expressions), negated=st.booleans()),
    node(t.ExpectEnd, kind=st.sampled_from(["done", "retry", "reject"]), why=st.none() | expressions),
    node(t.ExpectEnd, kind=st.just("fail"), why=st.none() | expressions),
)
declarations = st.one_of(
    node(t.UseFile, path=plain),
    node(t.Setting, name=names, value=expressions),
    node(
        t.Broker,
        zones=st.lists(node(t.Zone, name=names, urls=urls), max_size=2).map(tuple),
        urls=urls,
        settings=settings,
    ),
    node(t.Subscribe, name=names, exchange=st.none() | targets, queue=st.none() | targets, settings=settings),
    node(t.Table, name=names, settings=settings),
    node(
        t.EventRoute,
        name=route_names,
        schema=st.none() | plain,
        when=st.none() | expressions,
        body=bodies,
        name_span=st.just(SPAN),
    ),
    node(t.Route, name=names, parameters=parameters, body=bodies, name_span=st.just(SPAN)),
    node(t.Every, interval=expressions, body=bodies),
    node(t.OnExpired, table=names, key=names, value=names, body=bodies),
    node(t.OnHook, name=names, parameters=parameters, body=bodies),
    node(t.Test, name=plain, steps=st.lists(steps, max_size=3).map(tuple)),
)
versions = st.lists(node(t.Language, version=st.just(1)), max_size=1)  # first, or not at all
files = node(
    t.RuleFile,
    path=st.just("random.kzr"),
    declarations=st.tuples(versions, st.lists(declarations, max_size=3)).map(lambda two: (*two[0], *two[1])),
)


@st.composite
def rule_files(draw: Any) -> t.RuleFile:
    """A whole file."""
    return draw(files)
