"""What the broker handed over, before anybody looked into it. Made by `broker`, read by `routing`."""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Source:
    """Where deliveries come from: one consumer on one channel of one connection.

    `generation` grows with every channel of the process: a tag is only ever settled on the
    channel whose generation it carries. `server` is the number that stands in
    `consumer://<server>/...` and leads a reply back through the same broker.
    """

    subscription: str
    queue: str
    zone: str
    server: int
    generation: int


class Delivery(NamedTuple):
    """One basic.deliver with its content.

    A named tuple, because one is made for every message: a frozen dataclass costs four times as
    much. `properties` is the content header's property flags and list as they came, decoded
    only when somebody asks (`kzrules.wire.properties`).
    """

    source: Source
    tag: int
    redelivered: bool
    exchange: str
    routing_key: str
    properties: bytes
    body: bytes
