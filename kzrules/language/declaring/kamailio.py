"""`kamailio NAME { evapi: ..., rpc: ... }` as a `KamailioSpec`, and the expressions of its route names."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from kzrules.language.declaring.options import (
    Option,
    Reader,
    Wrong,
    choice,
    listed,
    options,
    seconds,
    shown,
    text,
    whole,
)
from kzrules.language.declaring.subscription import Asked
from kzrules.language.findings.short import warning
from kzrules.language.program import KamailioSpec, RpcAddress
from kzrules.language.tree import Expr, Kamailio
from kzrules.message.outcome import Place

EVAPI_HELP = "is its evapi's address: tcp:127.0.0.1:8448"
RPC_HELP = 'is "http://127.0.0.1:8080/jsonrpc" or "unix:/run/kamailio/kamailio_rpc.sock"'


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port."""

    host: str
    port: int


def _evapi(reader: Reader, expr: Expr) -> Address:
    """`tcp:HOST:PORT`; an IPv6 address stands in brackets."""
    said = text(reader, expr)
    try:
        parts = urlsplit(said.replace("tcp:", "tcp://", 1)) if said.startswith("tcp:") else None
        port = parts.port if parts is not None else None
    except ValueError:
        parts = port = None
    if parts is None or not parts.hostname or not port or parts.path:
        raise Wrong(f"{EVAPI_HELP}, not {shown(said)}")
    _look_at(reader, expr, "evapi", parts.hostname)
    return Address(parts.hostname, port)


def _rpc(reader: Reader, expr: Expr) -> RpcAddress:
    """An HTTP address, or the path of a unix datagram socket."""
    said = text(reader, expr)
    if said.startswith("unix:/") and len(said) > len("unix:/"):
        return RpcAddress(path=said.removeprefix("unix:"))
    try:
        parts = urlsplit(said)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise Wrong(f"{RPC_HELP}, not {shown(said)}")
    if parts.scheme == "http":
        _look_at(reader, expr, "rpc", parts.hostname or "")
    return RpcAddress(url=said)


def is_loopback(host: str) -> bool:
    """The host is this machine, as far as its name tells."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _look_at(reader: Reader, expr: Expr, what: str, host: str) -> None:
    if not is_loopback(host):
        found = f"whoever reaches the {what} of {host} controls that Kamailio: it asks nobody for a password"
        way_out = (
            "run kzrules beside Kamailio and use 127.0.0.1, or keep others out by a tunnel or a firewall"
        )
        reader.findings.add(warning("KZ521", found, expr.span, help=way_out))


def _names(_reader: Reader, expr: Expr) -> tuple[Expr, ...]:
    found = listed(expr)
    if not found:
        raise Wrong("is an empty list: no question would ever have a name")
    return found


OPTIONS = options(
    Option("evapi", _evapi),
    Option("rpc", _rpc),
    Option("route_names", _names),
    Option("deadline", seconds),
    Option("questions", whole(1, 1_000_000)),
    Option("events", whole(1, 1_000_000)),
    Option("schema_mode", choice("reject", "warn", "off")),
)


def kamailio(reader: Reader, item: Kamailio) -> tuple[KamailioSpec, Asked]:
    """What the block says, with the defaults where it says nothing."""
    read = reader.pairs(item.settings, OPTIONS, "`kamailio`")
    asked = Asked(read.pop("route_names", None))
    address = read.pop("evapi", None)
    if address is not None:
        read.update(host=address.host, port=address.port)
    return KamailioSpec(item.name, Place(item.span.file, item.span.line), **read), asked
