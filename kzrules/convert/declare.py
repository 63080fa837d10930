"""`broker` and `table` out of module parameters. `translate` puts them before the rules."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from kzrules.convert import make
from kzrules.convert import nodes as n
from kzrules.convert.parameters import KAZOO, last, milliseconds, parameters
from kzrules.convert.place import Gap, Place, marked
from kzrules.convert.uses import steps_of, values_of, within
from kzrules.convert.variables import SHARED
from kzrules.convert.world import KEYWORDS, TableInfo, World, identifier
from kzrules.language import tree as t


@dataclass(slots=True)
class Declared:
    """The declarations, and what the operator has to know about them."""

    broker: t.Broker | None = None
    subscriptions: list[t.Subscribe] = field(default_factory=list)
    tables: list[t.Table] = field(default_factory=list)
    settings: list[t.Setting] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)
    """Options that the service is started with."""
    passwords: int = 0


# --- tables


def tables(config: n.Config) -> dict[str, TableInfo]:
    """The tables of htable, by their names in rules."""
    made: dict[str, TableInfo] = {}
    for one in parameters(config, "htable"):
        if one.name != "htable":
            continue
        name, _, rest = str(one.value).partition("=>")
        pairs = {
            key.strip(): value.strip() for key, _, value in (part.partition("=") for part in rest.split(";"))
        }
        first = pairs.get("initval")
        info = TableInfo(
            identifier(name),
            int(pairs.get("autoexpire", "0") or 0),
            int(first) if first and re.fullmatch(r"-?[0-9]+", first) else first,
            one.place,
            one.before,
        )
        info.notes += _table_notes(pairs)
        made[info.name] = info
    return made


def _table_notes(pairs: Mapping[str, str]) -> list[str]:
    notes = []
    if pairs.get("dbtable"):
        notes.append("sql: its entries came from a database; here it begins empty")
    if pairs.get("dmqreplicate") == "1":
        notes.append("table: it was shared between servers (dmq); here each process has its own")
    if pairs.get("updateexpire") == "0":
        notes.append("table: writing did not renew an entry's time; here it does")
    return notes


def declare_tables(world: World, used: Sequence[str]) -> list[t.Table]:
    """The tables that rules use."""
    outside = _used_outside(world)
    made: list[t.Table] = []
    for name in used:
        if name == SHARED:
            pairs = [make.pair("max", make.literal(1000)), make.pair("default", make.literal(0))]
            told = ("# $shv(...): variables that all processes of Kamailio shared",)
            made.append(t.Table(SHARED, tuple(pairs), span=make.HERE, comments=t.Comments(before=told)))
            continue
        info = world.tables[name]
        before = list(info.before)
        for note in info.notes:
            before += marked(*note.split(": ", 1))
            _tell(world, note, info.place)
        if name in outside:
            note = "table: SIP routes that stay in Kamailio use it too; this one is the rules' own"
            before += [*marked(*note.split(": ", 1)), outside[name].quoted()]
            _tell(world, note, outside[name])
        pairs = []
        if info.ttl:
            pairs.append(make.pair("ttl", make.duration(info.ttl * 1000)))
        pairs.append(make.pair("max", make.literal(100_000)))
        if info.first is not None:
            pairs.append(make.pair("default", make.literal(info.first)))
        made.append(t.Table(name, tuple(pairs), span=make.HERE, comments=t.Comments(before=tuple(before))))
    return made


def _tell(world: World, note: str, place: Place | None) -> None:
    kind, _, why = note.partition(": ")
    world.gaps.append(Gap(kind, why, place or Place("", 1, 1, "")))


def _used_outside(world: World) -> dict[str, Place]:
    """Tables that blocks use which stay in Kamailio, and where."""
    found: dict[str, Place] = {}
    for block in world.picked.outside:
        for step in steps_of(block.body):
            for value in values_of(step):
                for one in within(value):
                    for name in re.findall(r"\$\(?sht\w*\((\w+)=>", str(getattr(one, "text", ""))):
                        found.setdefault(identifier(name), step.place)
    return found


# --- broker


def broker(world: World, made: Declared) -> None:
    """The broker block, its URLs without passwords."""
    config = world.config
    zones: dict[str, list[t.Expr]] = {}
    primary = str(last(config, "amqp_primary_zone") or "local")
    zones[primary] = []
    logins: set[str] = set()
    comments: list[str] = []
    for one in parameters(config, KAZOO):
        if one.name == "amqp_connection":
            zone, url, login = _url(str(one.value), primary)
            zones.setdefault(zone, []).append(make.literal(url))
            comments += one.before
            if login:
                logins.add(login)
    pairs = _broker_settings(config)
    if not any(zones.values()):
        return
    if logins:
        made.passwords = len(logins)
        pairs.insert(0, make.pair("login", make.call("secret", make.literal("broker"))))
    if len(logins) > 1:
        note = "broker: its URLs had different logins; here one is used for all of them"
        comments += marked(*note.split(": ", 1))
        _tell(world, note, next(parameters(config, KAZOO)).place)
    nodes = []
    for zone, urls in zones.items():
        plain = zone if re.fullmatch(r"[A-Za-z_]\w*", zone) and zone not in KEYWORDS else identifier(zone)
        if plain != zone:
            note = f"broker: the zone `{zone}` is called `{plain}` here; compare `meta.zone` with that"
            comments += marked(*note.split(": ", 1))
            _tell(world, note, next(parameters(config, KAZOO)).place)
        if urls:
            nodes.append(t.Zone(plain, tuple(urls), span=make.HERE))
    made.broker = t.Broker(
        tuple(nodes), (), tuple(pairs), span=make.HERE, comments=t.Comments(before=tuple(comments))
    )


def _url(text: str, primary: str) -> tuple[str, str, str]:
    """The zone, the URL as rules take it, and the login that stood in it."""
    zone = primary
    if found := re.match(r"\s*zone=([^;]+);", text):
        zone, text = found[1].strip(), text[found.end() :]
    text = re.sub(r"^kazoo:", "amqp:", text.strip())
    try:
        parts = urlsplit(text)
    except ValueError:
        return zone, text, ""
    login, _, host = parts.netloc.rpartition("@")
    return zone, parts._replace(netloc=host, query="", fragment="").geturl(), login


def _broker_settings(config: n.Config) -> list[t.Pair]:
    pairs: list[t.Pair] = []
    if isinstance(beats := last(config, "amqp_heartbeats"), int) and beats > 0:
        pairs.append(make.pair("heartbeat", make.duration(beats * 1000)))
    wait = milliseconds(config, "amqp_connect_timeout", 0)
    if wait:
        pairs.append(make.pair("connection_timeout", make.duration(max(wait, 1000))))
    for name, here in (("amqps_ca_cert", "ca"), ("amqps_cert", "certificate"), ("amqps_key", "key")):
        if value := last(config, name):
            pairs.append(make.pair(here, make.literal(str(value))))
    if last(config, "amqps_verify_peer") == 0:
        pairs.append(make.pair("verify", make.FALSE))
    return pairs
