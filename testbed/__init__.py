"""Private RabbitMQ nodes and a TCP proxy: what the tests, the demonstration and the measurements run against.

Nothing here needs root, touches a system service or listens beyond loopback, and all of it is gone
when the process that asked for it has ended, whatever way it ended.
"""

from testbed.broker import Given, private_broker
from testbed.cluster import Cluster
from testbed.errors import CommandFailed, NoBroker, NoKamailio
from testbed.node import Node, QueueDepth

__all__ = [
    "Cluster",
    "CommandFailed",
    "Given",
    "NoBroker",
    "NoKamailio",
    "Node",
    "QueueDepth",
    "private_broker",
]
