"""Each rule of the grammar, once it is complete, becomes a node of the tree here. `lalr` calls.

A maker takes the span and what the rule took from its right side: nodes, lists of them, `None`
for what was left out, and tokens as their numbers.
"""

from collections.abc import Callable
from typing import Any

from kzrules.language import tree as t
from kzrules.language.parsing.lexer import Tokens
from kzrules.language.parsing.texts import Texts
from kzrules.language.tree import Span

new_span = tuple.__new__  # each value has a place: past the function that a named tuple is made by
Values = list[Any]
Maker = Callable[[Span, Values], Any]


class Builder:
    """Makers over the tokens of one file. Methods are named by the rules, with `_` behind."""

    def __init__(self, path: str, tokens: Tokens, texts: Texts) -> None:
        self.path = path
        self.tokens = tokens
        self.texts = texts

    def span(self, first: int, last: int) -> Span:
        """Return where the tokens from `first` to `last` stand."""
        tokens = self.tokens
        line, end_line = tokens.lines[first], tokens.lines[last]
        starts = tokens.line_starts
        column = tokens.starts[first] - starts[line - 1] + 1
        end_column = tokens.ends[last] - starts[end_line - 1] + 1
        return new_span(Span, (self.path, line, column, end_line, end_column))

    def word(self, number: int) -> str:
        """Return the text of a token."""
        return self.tokens.texts[number]

    def words(self, numbers: list[int] | None) -> tuple[str, ...]:
        """Return the texts of some tokens."""
        return tuple(self.tokens.texts[number] for number in numbers or ())

    # --- declarations

    def language_(self, span: Span, v: Values) -> t.Language:
        return t.Language(version=self.texts.integer(v[0]), span=span)

    def use_file_(self, span: Span, v: Values) -> t.UseFile:
        return t.UseFile(path=self.texts.plain(v[0]), span=span)

    def setting_(self, span: Span, v: Values) -> t.Setting:
        return t.Setting(name=self.word(v[0]), value=v[1], span=span)

    def broker_(self, span: Span, v: Values) -> t.Broker:
        zones = tuple(part for part in v if isinstance(part, t.Zone))
        pairs = tuple(part for part in v if isinstance(part, t.Pair))
        urls = tuple(part for part in v if not isinstance(part, t.Zone | t.Pair))
        return t.Broker(zones=zones, urls=urls, settings=pairs, span=span)

    def zone_(self, span: Span, v: Values) -> t.Zone:
        return t.Zone(name=self.word(v[0]), urls=tuple(v[1:]), span=span)

    def subscribe_(self, span: Span, v: Values) -> t.Subscribe:
        pairs = tuple(part for part in v if isinstance(part, t.Pair))
        exchange = self.texts.only([target for kind, target in _targets(v) if kind == "exchange"], "exchange")
        queue = self.texts.only([target for kind, target in _targets(v) if kind == "queue"], "queue")
        return t.Subscribe(name=self.word(v[0]), exchange=exchange, queue=queue, settings=pairs, span=span)

    def exchange_(self, span: Span, v: Values) -> tuple[str, t.Target]:
        return "exchange", t.Target(name=v[0], settings=v[1] or (), span=span)

    def queue_(self, span: Span, v: Values) -> tuple[str, t.Target]:
        return "queue", t.Target(name=v[0], settings=v[1] or (), span=span)

    def settings_(self, _span: Span, v: Values) -> tuple[t.Pair, ...]:
        return tuple(v)

    def pair_(self, span: Span, v: Values) -> t.Pair:
        return t.Pair(name=self.word(v[0]), value=v[1], name_span=self.span(v[0], v[0]), span=span)

    def then_(self, span: Span, v: Values) -> t.Then:
        return t.Then(first=v[0], last=v[1], span=span)

    def policy_(self, span: Span, v: Values) -> t.Call | t.Name:
        name = self.word(v[0])
        if v[1] is None:
            return t.Name(id=name, span=span)
        return t.Call(name=name, arguments=v[1], name_span=self.span(v[0], v[0]), span=span)

    def kamailio_(self, span: Span, v: Values) -> t.Kamailio:
        return t.Kamailio(name=self.word(v[0]), settings=v[1], span=span)

    def table_(self, span: Span, v: Values) -> t.Table:
        return t.Table(name=self.word(v[0]), settings=v[1], span=span)

    def event_route_(self, span: Span, v: Values) -> t.EventRoute:
        schema = None if v[1] is None else self.texts.plain(v[1])
        name, place = self.texts.route_name(v[0])
        return t.EventRoute(name=name, schema=schema, when=v[2], body=v[3], name_span=place, span=span)

    def route_(self, span: Span, v: Values) -> t.Route:
        place = self.span(v[0], v[0])
        return t.Route(
            name=self.word(v[0]), parameters=self.words(v[1]), body=v[2], name_span=place, span=span
        )

    def every_(self, span: Span, v: Values) -> t.Every:
        return t.Every(interval=v[0], body=v[1], span=span)

    def on_expired_(self, span: Span, v: Values) -> t.OnExpired:
        table, key, value = self.words(v[:3])
        return t.OnExpired(table=table, key=key, value=value, body=v[3], span=span)

    def on_hook_(self, span: Span, v: Values) -> t.OnHook:
        return t.OnHook(name=self.word(v[0]), parameters=self.words(v[1]), body=v[2], span=span)

    def names_(self, _span: Span, v: Values) -> Values:
        return v

    # --- tests

    def test_(self, span: Span, v: Values) -> t.Test:
        return t.Test(name=self.texts.plain(v[0]), steps=tuple(v[1:]), span=span)

    def given_setting_(self, span: Span, v: Values) -> t.GivenSetting:
        return t.GivenSetting(name=self.word(v[0]), value=v[1], span=span)

    def given_table_(self, span: Span, v: Values) -> t.GivenTable:
        return t.GivenTable(table=self.word(v[0]), key=v[1], value=v[2], lasting=v[3], span=span)

    def given_answer_(self, span: Span, v: Values) -> t.GivenCall:
        return t.GivenCall(call=v[0], answers=v[1], span=span)

    def given_failure_(self, span: Span, v: Values) -> t.GivenCall:
        return t.GivenCall(call=v[0], fails=v[1], span=span)

    def event_(self, span: Span, v: Values) -> t.EventStep:
        subscription = None if v[0] is None else self.word(v[0])
        return t.EventStep(subscription=subscription, properties=v[1] or (), payload=v[2], span=span)

    def pass_time_(self, span: Span, v: Values) -> t.PassTime:
        return t.PassTime(duration=v[0], span=span)

    def expect_route_(self, span: Span, v: Values) -> t.ExpectRoute:
        return t.ExpectRoute(name=self.texts.plain(v[0]), span=span)

    def expect_no_route_(self, span: Span, _values: Values) -> t.ExpectRoute:
        return t.ExpectRoute(name=None, span=span)

    def expect_end_(self, span: Span, v: Values) -> t.ExpectEnd:
        return t.ExpectEnd(kind=self.word(v[0]), why=v[1], span=span)

    def expect_(self, span: Span, v: Values) -> t.ExpectCall | t.ExpectEnd | t.ExpectValue:
        match v[0]:
            case t.Call(name="fail", arguments=(t.Argument(name=None, value=why),)):
                return t.ExpectEnd(kind="fail", why=why, span=span)
            case t.Call(name="fail", arguments=()) | t.Name(id="fail"):
                return t.ExpectEnd(kind="fail", span=span)
            case t.Call() as call:
                return t.ExpectCall(call=call, span=span)
            case t.Unary(op="not", operand=t.Call() as call):
                return t.ExpectCall(call=call, negated=True, span=span)
        return t.ExpectValue(condition=v[0], span=span)

    # --- statements

    def block_(self, span: Span, v: Values) -> t.Block:
        last = v.pop()
        return t.Block(statements=tuple(v) if last is None else (*v, last), span=span)

    def let_(self, span: Span, v: Values) -> t.Let:
        return t.Let(name=self.word(v[0]), value=v[1], otherwise=v[2], span=span)

    def assign_(self, span: Span, v: Values) -> t.Assign:
        return t.Assign(name=self.word(v[0]), value=v[1], otherwise=v[2], span=span)

    def table_set_(self, span: Span, v: Values) -> t.TableSet:
        name, key, value, lasting, otherwise = v
        return t.TableSet(
            table=self.word(name), key=key, value=value, lasting=lasting, otherwise=otherwise, span=span
        )

    def otherwise_(self, span: Span, v: Values) -> t.Else:
        return t.Else(name=None if v[0] is None else self.word(v[0]), body=v[1], span=span)

    def use_(self, span: Span, v: Values) -> t.Use:
        return t.Use(value=v[0], span=span)

    def delete_(self, span: Span, v: Values) -> t.Delete:
        return t.Delete(table=self.word(v[0]), key=v[1], span=span)

    def delete_where_(self, span: Span, v: Values) -> t.DeleteWhere:
        return t.DeleteWhere(table=self.word(v[0]), condition=v[1], span=span)

    def emit_(self, span: Span, v: Values) -> t.Emit:
        return t.Emit(name=self.word(v[0]), arguments=tuple(v[1] or ()), span=span)

    def expressions_(self, _span: Span, v: Values) -> Values:
        return v

    def after_(self, span: Span, v: Values) -> t.After:
        return t.After(delay=v[0], name=self.word(v[1]), body=v[2], span=span)

    def if_(self, span: Span, v: Values) -> t.If:
        head = Span(span.file, span.line, span.column, v[1].span.end_line, v[1].span.end_column)
        first = t.Branch(condition=v[0], body=v[1], span=head)
        return t.If(branches=(first, *v[2:-1]), otherwise=v[-1], span=span)

    def else_if_(self, span: Span, v: Values) -> t.Branch:
        return t.Branch(condition=v[0], body=v[1], span=span)

    def match_(self, span: Span, v: Values) -> t.Match:
        return t.Match(subject=v[0], arms=tuple(v[1:-1]), otherwise=v[-1], span=span)

    def arm_(self, span: Span, v: Values) -> t.Arm:
        return t.Arm(values=tuple(v[0]), body=v[1], span=span)

    def for_(self, span: Span, v: Values) -> t.For:
        names = self.words(v[:1] if v[1] is None else v[:2])
        return t.For(names=names, iterable=v[2], body=v[3], span=span)

    def return_(self, span: Span, v: Values) -> t.Return:
        return t.Return(value=v[0], otherwise=v[1], span=span)

    def return_nothing_(self, span: Span, _values: Values) -> t.Return:
        return t.Return(value=None, span=span)

    def end_(self, span: Span, v: Values) -> t.End:
        return t.End(kind=self.word(v[0]), why=v[1], span=span)

    def do_(self, span: Span, v: Values) -> t.Do:
        return t.Do(call=v[0], otherwise=v[1], span=span)

    # --- expressions

    def if_value_(self, span: Span, v: Values) -> t.IfExpr:
        return t.IfExpr(condition=v[0], then=v[1], otherwise=v[2], span=span)

    def or_(self, span: Span, v: Values) -> t.Binary:
        return t.Binary(op="or", left=v[0], right=v[1], span=span)

    def and_(self, span: Span, v: Values) -> t.Binary:
        return t.Binary(op="and", left=v[0], right=v[1], span=span)

    def not_(self, span: Span, v: Values) -> t.Unary:
        return t.Unary(op="not", operand=v[0], span=span)

    def compare_(self, span: Span, v: Values) -> t.Binary:
        return t.Binary(op=self.word(v[1]), left=v[0], right=v[2], span=span)

    def in_(self, span: Span, v: Values) -> t.In:
        return t.In(item=v[0], choices=v[1], span=span)

    def matches_(self, span: Span, v: Values) -> t.Matches:
        pattern = self.word(v[1])[1:-1].replace("\\/", "/")
        regex = t.Regex(pattern=pattern, span=self.span(v[1], v[1]))
        return t.Matches(subject=v[0], pattern=regex, span=span)

    def coalesce_(self, span: Span, v: Values) -> t.Binary:
        return t.Binary(op="??", left=v[0], right=v[1], span=span)

    def with_(self, span: Span, v: Values) -> t.With:
        return t.With(base=v[0], changes=v[1], span=span)

    def arithmetic_(self, span: Span, v: Values) -> t.Binary:
        return t.Binary(op=self.word(v[1]), left=v[0], right=v[2], span=span)

    def negative_(self, span: Span, v: Values) -> t.Unary:
        return t.Unary(op="-", operand=v[0], span=span)

    def further_field_(self, span: Span, v: Values) -> t.Field:
        return t.Field(base=v[0], name=self.word(v[1])[1:], span=span)

    def further_quoted_(self, span: Span, v: Values) -> t.Field | t.Index:
        return self.texts.quoted_field(v[0], v[-1], span)

    def index_(self, span: Span, v: Values) -> t.Index:
        return t.Index(base=v[0], key=v[1], span=span)

    def name_value_(self, span: Span, v: Values) -> t.Name:
        return t.Name(id=self.word(v[0]), span=span)

    def field_(self, span: Span, v: Values) -> t.Field:
        return t.Field(base=None, name=self.word(v[0])[1:], span=span)

    def quoted_field_(self, span: Span, v: Values) -> t.Field | t.Index:
        return self.texts.quoted_field(None, v[0], span)

    def payload_index_(self, span: Span, v: Values) -> t.Index:
        return t.Index(base=None, key=v[0], span=span)

    def integer_(self, span: Span, v: Values) -> t.Literal:
        return t.Literal(value=self.texts.integer(v[0]), raw=self.word(v[0]), span=span)

    def decimal_(self, span: Span, v: Values) -> t.Literal:
        return t.Literal(value=self.texts.decimal(v[0]), raw=self.word(v[0]), span=span)

    def duration_(self, span: Span, v: Values) -> t.DurationLiteral:
        return t.DurationLiteral(milliseconds=self.texts.duration(v[0]), raw=self.word(v[0]), span=span)

    def true_(self, span: Span, _values: Values) -> t.Literal:
        return t.Literal(value=True, raw="true", span=span)

    def false_(self, span: Span, _values: Values) -> t.Literal:
        return t.Literal(value=False, raw="false", span=span)

    def null_(self, span: Span, _values: Values) -> t.Literal:
        return t.Literal(value=None, raw="null", span=span)

    def has_(self, span: Span, v: Values) -> t.Has:
        return t.Has(pattern=v[0], span=span)

    def group_(self, _span: Span, v: Values) -> t.Expr:
        return v[0]  # type: ignore[no-any-return]  # an expression is handed on

    def text_(self, _span: Span, v: Values) -> t.Literal | t.Template:
        return self.texts.text(v[0])

    def call_(self, span: Span, v: Values) -> t.Call:
        name, arguments = v
        return t.Call(
            name=self.word(name), arguments=arguments or (), name_span=self.span(name, name), span=span
        )

    def arguments_(self, _span: Span, v: Values) -> tuple[t.Argument, ...]:
        return tuple(v)

    def argument_(self, span: Span, v: Values) -> t.Argument:
        return t.Argument(name=None, value=v[0], span=span)

    def named_argument_(self, span: Span, v: Values) -> t.Argument:
        return t.Argument(name=self.word(v[0]), value=v[1], span=span)

    def object_(self, span: Span, v: Values) -> t.ObjectExpr:
        return t.ObjectExpr(entries=tuple(v), span=span)

    def entry_(self, span: Span, v: Values) -> t.Entry:
        return t.Entry(key=self.texts.text(v[0]), value=v[1], span=span)

    def spread_(self, span: Span, v: Values) -> t.Spread:
        return t.Spread(value=v[0], span=span)

    def list_(self, span: Span, v: Values) -> t.ListExpr:
        return t.ListExpr(items=tuple(v), span=span)


def _targets(parts: Values) -> list[tuple[str, t.Target]]:
    return [part for part in parts if isinstance(part, tuple)]
