"""Several private nodes as one cluster, that can be cut in two and healed."""

import itertools
import time
from collections.abc import Mapping, Sequence

from testbed.broker import find_programs, say_on_stderr
from testbed.debian import Say
from testbed.errors import CommandFailed, NoBroker
from testbed.ground import Ground
from testbed.node import Node

_TICK = "-kernel net_ticktime 6"
"""A silent node is given up after 6 s instead of 60: until then a survivor cannot bind or declare."""

_DISCOVERY = {
    "cluster_formation.peer_discovery_backend": "classic_config",
    # The first node finds nobody, and need not look for long; the others find it at once.
    "cluster_formation.discovery_retry_limit": "2",
    "cluster_formation.discovery_retry_interval": "100",
}


class Cluster:
    """Nodes `kz1`, `kz2`, ... on one ground, with one epmd and one cookie."""

    def __init__(
        self, size: int, *, settings: Mapping[str, str] | None = None, say: Say = say_on_stderr
    ) -> None:
        names = [f"kz{number}" for number in range(1, size + 1)]
        members = {
            f"cluster_formation.classic_config.nodes.{number}": f"{name}@localhost"
            for number, name in enumerate(names, 1)
        }
        # With two there is no minority that could give way: the one with fewer clients starts again.
        cut = {"cluster_partition_handling": "pause_minority" if size > 2 else "autoheal"}
        joined = {**_DISCOVERY, **members, **cut, **(settings or {})}
        self.ground = Ground(find_programs(say))
        self.nodes = [Node(self.ground, name, settings=joined, erlang_arguments=_TICK) for name in names]

    def start(self) -> "Cluster":
        """The first node makes the cluster, the others join it at the same time."""
        try:
            first, *others = self.nodes
            first.start()
            for node in others:
                node.start(wait=False)
            for node in others:
                node.wait_until_up()
        except BaseException:
            self.ground.close()
            raise
        return self

    @property
    def urls(self) -> list[str]:
        """One a node, in order."""
        return [node.url for node in self.nodes]

    def wait_until_whole(self, timeout: float = 60.0) -> None:
        """Wait until each node sees all of them run."""
        deadline = time.monotonic() + timeout
        while not all(self._sees_all(node) for node in self.nodes):
            if time.monotonic() > deadline:
                raise NoBroker(f"the nodes of the cluster did not meet again within {timeout:.0f} s")
            time.sleep(0.2)

    def _sees_all(self, node: Node) -> bool:
        try:
            seen = node.eval("length(rabbit_mnesia:cluster_nodes(running))", timeout=10)
        except CommandFailed:
            return False
        return seen == str(len(self.nodes))

    def partition(self, one: Sequence[Node], other: Sequence[Node]) -> None:
        """Cut the two sides from each other: neither knows the other's cookie any more."""
        for here, there in [*itertools.product(one, other), *itertools.product(other, one)]:
            # Each another wrong one: two sides that agree on a cookie would just meet again.
            here.eval(f"erlang:set_cookie('{there.name}', 'cut by {here.name}')")
        for here, there in itertools.product(one, other):
            here.eval(f"erlang:disconnect_node('{there.name}')")

    def heal(self, one: Sequence[Node], other: Sequence[Node]) -> None:
        """Let the two sides meet again."""
        for here, there in [*itertools.product(one, other), *itertools.product(other, one)]:
            here.eval(f"erlang:set_cookie('{there.name}', '{self.ground.cookie}')")
        for here, there in itertools.product(one, other):
            here.eval(f"net_kernel:connect_node('{there.name}')")

    def destroy(self) -> None:
        """End every node and remove their folder."""
        for node in self.nodes:
            node.kill()
        self.ground.close()
