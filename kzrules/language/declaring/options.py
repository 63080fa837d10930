"""`name: value` in the braces of a declaration: which names there are, and what each one takes."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from kzrules.language.declaring.constant import Unknown
from kzrules.language.declaring.settings import UNKNOWN, Settings, twice
from kzrules.language.findings.diagnostic import Edit, Findings, Fix
from kzrules.language.findings.nearest import nearest, one_of
from kzrules.language.findings.respell import meant, respelt
from kzrules.language.findings.short import error
from kzrules.language.tree import Entry, Expr, ListExpr, Literal, Name, ObjectExpr, Pair, Span, Spread
from kzrules.language.values import said


class Wrong(Exception):  # noqa: N818  it is no failure: `Reader` turns it into a finding
    """The value does not fit the setting; the text says what it should be, `instead` what was meant."""

    def __init__(self, text: str, instead: str | None = None) -> None:
        super().__init__(text)
        self.instead = instead


@dataclass(frozen=True, slots=True)
class Option:
    """One setting: `read` takes the reader and the expression, and gives the value or raises Wrong."""

    name: str
    read: Callable[["Reader", Expr], Any]


class Reader:
    """Reads the settings of one declaration; what is wrong becomes a finding and is left out."""

    def __init__(self, settings: Settings, findings: Findings) -> None:
        self.settings = settings
        self.findings = findings

    def constant(self, expr: Expr) -> Any:
        """A constant. Unknown: it has a finding or will have one."""
        value = self.settings.constants.value(expr)
        if value is UNKNOWN:
            raise Unknown(None, expr.span)
        return value

    def pairs(self, pairs: Sequence[Pair], options: Mapping[str, Option], owner: str) -> dict[str, Any]:
        """The values by name; unknown names, repeated ones and wrong values become findings."""
        read: dict[str, Any] = {}
        first: dict[str, Span] = {}
        for pair in pairs:
            if pair.name not in options:
                self._unknown(pair, options, owner)
            elif pair.name in first:
                self.findings.add(twice(pair.name, pair.name_span, first[pair.name]))
            else:
                first[pair.name] = pair.name_span
                self.read_into(read, pair.name, options[pair.name], pair.value)
        return read

    def read_into(self, read: dict[str, Any], name: str, option: Option, expr: Expr) -> None:
        """Read one value; where that fails, a finding takes its place."""
        try:
            read[name] = option.read(self, expr)
        except Unknown as why:
            self.settings.tell(why)
        except Wrong as why:
            fix = why.instead and Fix(f"write `{why.instead}`", (Edit(expr.span, why.instead),))
            way_out = f"write `{why.instead}`" if why.instead else ""
            self.findings.add(error("KZ305", f"`{name}` {why}", expr.span, help=way_out, fix=fix or None))

    def _unknown(self, pair: Pair, options: Mapping[str, Option], owner: str) -> None:
        near = nearest(pair.name, options)
        if (owner, pair.name) in ELSEWHERE:
            text = f"{owner} has no setting `{pair.name}`"
            self.findings.add(error("KZ203", text, pair.name_span, help=ELSEWHERE[owner, pair.name]))
            return
        way_out = f"did you mean `{near}`?" if near else f"there are {one_of(options)}"
        text = f"{owner} has no setting `{pair.name}`"
        fix = respelt(pair.name_span, pair.name, options)
        self.findings.add(error("KZ203", text, pair.name_span, help=way_out, fix=fix))


_URL = 'a broker is a URL: broker { "amqp://rabbit.example.com:5672" }'
ELSEWHERE = {
    **{
        ("`broker`", name): _URL
        for name in ("url", "urls", "uri", "host", "hosts", "hostname", "port", "vhost")
    },
    **{
        ("`broker`", name): 'write `login: secret("broker")`: the file `broker` holds user:password'
        for name in ("user", "username", "password", "pass", "credentials")
    },
    ("`subscribe`", "exchange"): 'write `exchange "name" { type: topic }`, without `:`',
    ("`subscribe`", "queue"): 'write `queue "name" { durable: true }`, without `:`',
    ("`subscribe`", "no_ack"): "write `ack: immediate`, or `ack: after_processing`, which loses nothing",
    ("`subscribe`", "federate"): "write `zones: all`",
    ("`subscribe`", "binding"): "write `routing: [...]`",
}
"""Settings of the module and of other clients, and what is written here."""


def options(*listed: Option) -> dict[str, Option]:
    """Options by their names."""
    return {option.name: option for option in listed}


def flag(reader: Reader, expr: Expr) -> bool:
    """True or false; 1 and 0 as in the kazoo module."""
    value = reader.constant(expr)
    if isinstance(value, bool) or (isinstance(value, int) and value in (0, 1)):
        return bool(value)
    raise Wrong(f"is true or false, not {shown(value)}")


def text(reader: Reader, expr: Expr) -> str:
    """A text."""
    value = reader.constant(expr)
    if isinstance(value, str):
        return value
    raise Wrong(f"is a text, not {shown(value)}")


def short_text(reader: Reader, expr: Expr) -> str:
    """A text that AMQP carries as a short string."""
    value = text(reader, expr)
    if len(value.encode("utf-8", "surrogatepass")) > 255:
        raise Wrong("is longer than the 255 bytes that AMQP allows")
    return value


def filled_text(reader: Reader, expr: Expr) -> str:
    """A short text that is not empty."""
    value = short_text(reader, expr)
    if not value:
        raise Wrong("is empty")
    return value


def texts(reader: Reader, expr: Expr) -> tuple[str, ...]:
    """One text or a list of texts, each short enough for AMQP."""
    value = reader.constant(expr)
    found = value if isinstance(value, list) else [value]
    for item in found:
        if not isinstance(item, str):
            raise Wrong(f"is a text or a list of texts, not {shown(item)}")
        if len(item.encode("utf-8", "surrogatepass")) > 255:
            raise Wrong("holds a text that is longer than the 255 bytes that AMQP allows")
    return tuple(found)


def whole(least: int, most: int) -> Callable[[Reader, Expr], int]:
    """An integer between two bounds."""

    def read(reader: Reader, expr: Expr) -> int:
        value = reader.constant(expr)
        if isinstance(value, bool) or not isinstance(value, int):
            meant = value if isinstance(value, str) and value.isdecimal() and len(value) < 10 else None
            raise Wrong(f"is an integer, not {shown(value)}", meant)
        if not least <= value <= most:
            raise Wrong(f"is from {least} to {most}, not {value}")
        return value

    return read


LONGEST = timedelta(days=3650)
"""Ten years: what is longer is a slip of the fingers, and would not fit a timer."""


def seconds(reader: Reader, expr: Expr) -> float:
    """A duration above zero, in seconds."""
    value = reader.constant(expr)
    if not isinstance(value, timedelta):
        raise Wrong(f"is a duration such as 500ms, 2s or 1h, not {shown(value)}", _as_duration(value))
    if not timedelta(0) < value <= LONGEST:
        raise Wrong("is a duration above zero and up to ten years")
    return value / timedelta(seconds=1)


_DURATION = re.compile(r"[0-9]{1,9}(?:ms|[smhd])")


def _as_duration(value: Any) -> str | None:
    """What was meant by `30` or `"30s"` for a duration."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value}s"
    return value if isinstance(value, str) and _DURATION.fullmatch(value) else None


def choice(*names: str) -> Callable[[Reader, Expr], str]:
    """One of a few names, with or without quotes."""

    def read(reader: Reader, expr: Expr) -> str:
        value = expr.id if isinstance(expr, Name) and expr.id not in reader.settings.declared else None
        if value is None:
            value = reader.constant(expr)
        if value in names:
            return str(value)
        near = nearest(value, names) if isinstance(value, str) else None
        hint = f"; did you mean `{near}`?" if near else ""
        raise Wrong(f"is {one_of(names)}, not {shown(value)}{hint}", near and meant(value, names))

    return read


def table(reader: Reader, expr: Expr) -> dict[str, Any]:
    """An AMQP argument table, with JSON values."""
    value = reader.constant(expr)
    if not isinstance(value, dict):
        raise Wrong(f"is an object of arguments, not {shown(value)}")
    return value


def anything(reader: Reader, expr: Expr) -> Any:
    """Any constant but a duration."""
    value = reader.constant(expr)
    if isinstance(value, timedelta):
        raise Wrong("is a JSON value, not a duration")
    return value


def entries(expr: Expr) -> tuple[Pair, ...]:
    """`{ "name": value }` as settings, for declarations inside declarations."""
    if not isinstance(expr, ObjectExpr):
        raise Wrong("is an object in braces")
    pairs: list[Pair] = []
    for entry in expr.entries:
        if not isinstance(entry, Entry) or not isinstance(entry.key, Literal):
            raise Wrong("is an object whose names are written out")
        pairs.append(Pair(str(entry.key.value), entry.value, entry.key.span, span=entry.span))
    return tuple(pairs)


def listed(expr: Expr) -> tuple[Expr, ...]:
    """The items of a list, or the one expression that stands in its place."""
    if not isinstance(expr, ListExpr):
        return (expr,)
    items: list[Expr] = []
    for item in expr.items:
        if isinstance(item, Spread):
            raise Wrong("is a list whose items are written out")
        items.append(item)
    return tuple(items)


def shown(value: Any) -> str:
    """A wrong value as a sentence shows it."""
    if isinstance(value, str) and len(value) <= 40:
        return f'"{value}"'
    return said(value)
