"""`broker { zone NAME { URL ... } login: secret("name") }` as a `BrokerSpec`."""

from typing import Any
from urllib.parse import SplitResult, urlsplit

from kzrules.language.declaring.constant import Unknown
from kzrules.language.declaring.options import (
    ELSEWHERE,
    Option,
    Reader,
    Wrong,
    choice,
    flag,
    options,
    seconds,
    shown,
    text,
    whole,
)
from kzrules.language.declaring.settings import twice
from kzrules.language.findings.short import error, warning
from kzrules.language.program import BrokerSpec, Secret, ZoneSpec
from kzrules.language.tree import Broker, Call, Expr, Span

FIRST_ZONE = "local"
"""The zone of URLs that stand without one, as `amqp_primary_zone` of the kazoo module."""


def _secret(reader: Reader, expr: Expr) -> Secret:
    if not isinstance(expr, Call) or expr.name != "secret":
        raise Wrong('names a file of the secrets folder: login: secret("broker")')
    if len(expr.arguments) != 1 or expr.arguments[0].name is not None:
        raise Wrong('takes one name: secret("broker")')
    name = text(reader, expr.arguments[0].value)
    if not name or "/" in name or name in (".", ".."):
        raise Wrong(f"is the name of a file in the secrets folder, not {shown(name)}")
    return Secret(name)


def _or_never(reader: Reader, expr: Expr) -> float | None:
    value = reader.constant(expr)
    return None if value is None else seconds(reader, expr)


OPTIONS = options(
    Option("login", _secret),
    Option("heartbeat", seconds),
    Option("connection_timeout", seconds),
    Option("handshake_timeout", seconds),
    Option("failback", _or_never),
    Option("ca", text),
    Option("certificate", text),
    Option("key", text),
    Option("verify", flag),
    Option("outbox", whole(1, 10_000_000)),
    Option("late_answers", choice("count", "event")),
)


def broker(reader: Reader, item: Broker) -> BrokerSpec:
    """The zones in order, the first of them the primary one."""
    read = reader.pairs(item.settings, OPTIONS, "`broker`")
    zones: dict[str, tuple[str, ...]] = {}
    first: dict[str, Span] = {}
    if item.urls:
        zones[FIRST_ZONE] = _urls(reader, item.urls)
        first[FIRST_ZONE] = item.urls[0].span
    for zone in item.zones:
        if zone.name in zones:
            reader.findings.add(twice(zone.name, zone.span, first[zone.name]))
            continue
        first[zone.name] = zone.span
        zones[zone.name] = _urls(reader, zone.urls)
        if not zone.urls:
            reader.findings.add(
                error("KZ305", f"the zone `{zone.name}` has no URL", zone.span, help=URL_HELP)
            )
    if not zones and not any(("`broker`", pair.name) in ELSEWHERE for pair in item.settings):
        reader.findings.add(error("KZ305", "the broker block names no broker", item.span, help=URL_HELP))
    _pair_of_files(reader, item, read)
    return BrokerSpec(tuple(ZoneSpec(name, urls) for name, urls in zones.items()), **read)


URL_HELP = 'write its URL as a text: "amqp://rabbit.example.com:5672"'


def _pair_of_files(reader: Reader, item: Broker, read: dict[str, Any]) -> None:
    for name, other in (("certificate", "key"), ("key", "certificate")):
        if name in read and other not in {pair.name for pair in item.settings}:
            text = f"`{name}` is used only together with `{other}`"
            place = next(pair.span for pair in item.settings if pair.name == name)
            reader.findings.add(error("KZ305", text, place))


def _urls(reader: Reader, exprs: tuple[Expr, ...]) -> tuple[str, ...]:
    found: list[str] = []
    for expr in exprs:
        try:
            url = text(reader, expr)
        except Unknown as why:
            reader.settings.tell(why)
        except Wrong as why:
            reader.findings.add(error("KZ305", f"a broker's URL {why}", expr.span, help=URL_HELP))
        else:
            _check_url(reader, url, expr.span)
            found.append(url)
    return tuple(found)


def _check_url(reader: Reader, url: str, span: Span) -> None:
    try:
        parts = urlsplit(url)
        wrong = _wrong_with(parts)
    except ValueError as failure:
        reader.findings.add(error("KZ305", f"this is no URL: {failure}", span, help=URL_HELP))
        return
    if wrong:
        reader.findings.add(error("KZ305", wrong, span, help=URL_HELP))
    if parts.password is not None:
        way_out = 'put user and password into a file of the secrets folder, and write login: secret("broker")'
        found = warning(
            "KZ513", "a password stands in the rule file, where everybody reads it", span, help=way_out
        )
        reader.findings.add(found)


def _wrong_with(parts: SplitResult) -> str:
    if parts.scheme not in ("amqp", "amqps"):
        return f"a broker's URL begins with amqp:// or amqps://, not with {shown(parts.scheme)}"
    if not parts.hostname:
        return "a broker's URL names a host"
    if parts.port == 0:
        return "a broker's port is not 0"
    if parts.fragment:
        return "a broker's URL has nothing behind `#`"
    return ""
