"""SIP and tel addresses taken apart for the `uri_` words: linear and lenient, None for what is not there."""

from typing import NamedTuple

_SCHEMES = frozenset({"sip", "sips", "tel", "urn", "im", "pres"})


class Address(NamedTuple):
    """The parts of an address; `parameters` is the text behind the first semicolon."""

    scheme: str | None
    user: str | None
    host: str | None
    port: int | None
    parameters: str

    @property
    def transport(self) -> str | None:
        """The parameter `transport`, in lower case."""
        found = self.parameter("transport")
        return found.lower() if found else None

    def parameter(self, name: str) -> str | None:
        """A parameter's value; None where it is not there, empty where it has no value."""
        sought = name.lower()
        for part in self.parameters.split(";"):
            key, _, value = part.partition("=")
            if key.strip().lower() == sought:
                return value.strip()
        return None


def address(text: str) -> Address:
    """The parts of an address, be it alone or between `<` and `>` behind a display name."""
    scheme, rest = _scheme(_bare(text))
    if scheme == "tel":
        number, _, parameters = rest.partition(";")
        return Address(scheme, number or None, None, None, parameters)
    user, at, behind = rest.rpartition("@") if "?" not in rest else _before_headers(rest)
    where, _, parameters = behind.partition("?")[0].partition(";")
    host, port = _host_and_port(where)
    return Address(scheme, user.partition(":")[0] or None if at else None, host, port, parameters)


def _before_headers(rest: str) -> tuple[str, str, str]:
    """A header behind `?` may hold an `@` of its own; a user part may hold a `?`."""
    head = rest.partition("?")[0]
    return head.rpartition("@") if "@" in head else rest.partition("@")


def _bare(text: str) -> str:
    """The address between angle brackets, where the last pair outside a quoted display name stands."""
    at = 0
    stripped = text.strip()
    if stripped.startswith('"'):
        at = 1
        while at < len(stripped) and stripped[at] != '"':
            at += 2 if stripped[at] == "\\" else 1
    start = stripped.find("<", at)
    if start < 0:
        return stripped
    return stripped[start + 1 :].partition(">")[0].strip()


def _scheme(bare: str) -> tuple[str | None, str]:
    """`sip:` and its like; in `host:5060` and `user:password@host` the colon means something else."""
    name, colon, rest = bare.partition(":")
    return (name.lower(), rest) if colon and name.lower() in _SCHEMES else (None, bare)


def _host_and_port(where: str) -> tuple[str | None, int | None]:
    if where.startswith("["):
        host, _, behind = where[1:].partition("]")
        port = behind.removeprefix(":")
    else:
        host, _, port = where.partition(":")
    number = int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else 0
    return host.strip().lower() or None, number if 0 < number < 65536 else None
