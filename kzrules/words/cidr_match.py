"""`cidr_match`: whether an IP address lies in a network, or in one of a list of networks."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from kzrules.errors import RuleFailure
from kzrules.language.word import TEXT, Example, Kind, Parameter, Word
from kzrules.words.arguments import text_in


def cidr_match_value(address: Any, networks: Any) -> bool:
    """Whether it does."""
    found = _address(text_in("cidr_match", "address", address))
    wanted = networks if networks.__class__ is list else [networks]
    nets = [_network(text_in("cidr_match", "networks", network)) for network in wanted]
    return found is not None and any(found.version == net.version and found in net for net in nets)


@lru_cache(maxsize=4096)
def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text.strip(), strict=False)
    except ValueError:
        raise RuleFailure(f'cidr_match: {text[:60]!r} is no network; write one as "10.0.0.0/8"') from None


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text.strip().removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


WORD = Word(
    name="cidr_match",
    about=(
        "Whether an IP address lies in a network, or in one of a list of networks. An address "
        "that is none lies nowhere; a network that is none is a failure."
    ),
    parameters=(
        Parameter("address", TEXT, "the IP address, v4 or v6"),
        Parameter("networks", frozenset({Kind.TEXT, Kind.LIST}), "a network, or a list of them"),
    ),
    gives=frozenset({Kind.TRUTH}),
    examples=(
        Example('cidr_match("10.1.2.3", "10.0.0.0/8")', gives="true"),
        Example('cidr_match("192.0.2.1", ["10.0.0.0/8", "192.0.2.0/24"])', gives="true"),
        Example('cidr_match("2001:db8::5", "2001:db8::/32")', gives="true"),
        Example('cidr_match("::ffff:10.0.0.1", "10.0.0.1")', gives="true"),
        Example('cidr_match("acme.com", "0.0.0.0/0")', gives="false"),
        Example('cidr_match("10.0.0.1", "10.0.0.0/99")', fails="is no network"),
    ),
    call=cidr_match_value,
    group="SIP and addresses",
)
