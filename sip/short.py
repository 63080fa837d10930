"""What runs with the tests: all but the cluster, small, and on one ground where it can be."""

from sip import configs
from sip.experiments import Garbage, Result, answers_at, begin, break_at, clients_at, invite, publishes_at
from sip.scene import Scene, broker
from testbed.ports import free_port


def together(_: float) -> list[Result]:
    """One Kamailio asks through all of it; the service ends once to count, and is killed once."""
    with broker() as url, Scene([url]) as scene, Garbage(free_port()) as garbage:
        begin(scene)
        came = [answers_at(scene, 100), publishes_at(scene, url, 100)]
        scene.start_service(garbage.declared + configs.RULES.format(evapi=scene.relay.port))
        came.append(clients_at(scene, garbage, 200))
        came.append(break_at(scene, None, "service", 40, 14.0))
        return came


def routed(_: float) -> Result:
    """Calls by `rtjson`, which need a script of their own."""
    return invite(0.01)
