"""The broker of the demonstration: a given one, a private node, or two of which one will be killed."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from testbed import Cluster, NoBroker, Node, private_broker
from testbed.broker import given_broker


@dataclass(frozen=True, slots=True)
class Brokers:
    """In order of preference; `nodes` is empty where the broker is somebody else's."""

    urls: list[str]
    nodes: list[Node]
    close: Callable[[], None]

    @property
    def ground(self) -> Path | None:
        """The folder whose keeper ends our processes if we cannot."""
        return self.nodes[0].ground.folder if self.nodes else None


def open_brokers(*, kill: bool, sure: bool, say: Callable[[str], None]) -> Brokers:
    """Start what is needed."""
    given = given_broker(i_know_this_bus=sure)
    if given is not None:
        if kill:
            raise NoBroker("KILL=1 kills a broker: it starts its own. Unset DEMO_BROKER for it.")
        return Brokers([given.url], [], lambda: None)
    if kill:
        say("starting a cluster of two private RabbitMQ nodes ...")
        cluster = Cluster(2, say=say).start()
        return Brokers(cluster.urls, cluster.nodes, cluster.destroy)
    say("starting a private RabbitMQ ...")
    node = private_broker(say)
    return Brokers([node.url], [node], node.destroy)
