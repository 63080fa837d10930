"""What is broken, and when: each experiment is one function; `scale` 1 is the full size."""

import random
import signal
from collections.abc import Awaitable, Callable
from typing import Any

from chaos.trial import Result, Trial
from testbed import Cluster
from testbed.proxy import Proxy

Experiment = Callable[[Any, Cluster, float], Awaitable[Result]]


async def _concluded(trial: Trial, cluster: Cluster, seconds: float = 120.0) -> Result:
    try:
        return await trial.result(seconds)
    finally:
        await trial.close()
        for node in cluster.nodes:
            if not node.is_running:
                node.start()


async def node_killed_with_a_backlog(reactor: Any, cluster: Cluster, scale: float) -> Result:
    """Kill -9 of the active node while 40,000 events wait."""
    many = int(40_000 * scale)
    trial = Trial(reactor, "node killed, backlog", cluster.urls)
    await trial.begin()
    await trial.preload(many)
    trial.start_service()
    await trial.handled_at_least(many // 10)
    cluster.nodes[0].kill()
    trial.breaks += 1
    return await _concluded(trial, cluster)


async def node_killed_under_load(reactor: Any, cluster: Cluster, scale: float) -> Result:
    """Kill -9 of the active node under a steady 2,000 events a second."""
    trial = Trial(reactor, "node killed, steady load", cluster.urls)
    await trial.begin()
    trial.start_service()
    await trial.consuming()
    reactor.callLater(5 * scale, cluster.nodes[0].kill)
    trial.breaks += 1
    await trial.party.publish_steadily(2_000 if scale >= 1 else 500, max(3.0, 20 * scale))
    return await _concluded(trial, cluster)


async def node_killed_three_times(reactor: Any, cluster: Cluster, scale: float) -> Result:
    """Kill -9 of whichever node is next, three times in a row."""
    trial = Trial(reactor, "nodes killed, three times in a row", cluster.urls)
    await trial.begin()
    await trial.preload(int(40_000 * scale))
    trial.start_service()
    for turn in range(3):
        await trial.handled_at_least(int(40_000 * scale) * (turn + 1) // 5)
        node = cluster.nodes[turn % len(cluster.nodes)]
        node.kill()
        trial.breaks += 1
        await trial.pause(1.0)
        node.start()
    return await _concluded(trial, cluster)


async def service_killed(reactor: Any, cluster: Cluster, scale: float) -> Result:
    """Kill -9 of the service, 20 times at random moments."""
    times = max(2, int(20 * scale))
    chance = random.Random(11)  # noqa: S311  moments, not secrets
    trial = Trial(reactor, f"service killed, {times} times", cluster.urls)
    await trial.begin()
    await trial.preload(int(40_000 * scale))
    for _ in range(times):
        service = trial.start_service()
        await trial.consuming()
        await trial.pause(chance.uniform(0.05, 0.6))
        await trial.end_service(service, signal.SIGKILL)
        trial.breaks += 1
    trial.start_service()
    return await _concluded(trial, cluster)


async def node_stopped(reactor: Any, cluster: Cluster, scale: float) -> Result:
    """SIGSTOP of the active node for 60 s: it accepts, and says nothing."""
    trial = Trial(reactor, "node silent (SIGSTOP)", cluster.urls)
    await trial.begin()
    await trial.preload(int(40_000 * scale))
    trial.start_service()
    await trial.handled_at_least(int(40_000 * scale) // 10)
    cluster.nodes[0].pause()
    trial.breaks += 1
    reactor.callLater(max(30.0, 60 * scale), cluster.nodes[0].resume)
    await trial.pause(max(30.0, 60 * scale) + 1)
    return await _concluded(trial, cluster)


def _proxied(name: str, misbehave: Callable[[Proxy], None], seconds: float) -> Experiment:
    async def experiment(reactor: Any, cluster: Cluster, scale: float) -> Result:
        proxy = Proxy(reactor, cluster.nodes[0].amqp_port).start()
        through = cluster.urls[0].replace(str(cluster.nodes[0].amqp_port), str(proxy.port))
        trial = Trial(reactor, name, cluster.urls)
        await trial.begin(service_urls=[through, *cluster.urls[1:]])
        await trial.preload(int(40_000 * scale))
        trial.start_service()
        await trial.handled_at_least(int(40_000 * scale) // 10)
        misbehave(proxy)
        trial.breaks += 1
        await trial.pause(max(5.0, seconds * scale))
        proxy.passing()
        try:
            return await _concluded(trial, cluster)
        finally:
            await proxy.stop()

    experiment.__doc__ = name
    return experiment


async def broken_list(reactor: Any, cluster: Cluster, scale: float) -> Result:
    """The first broker of the list refuses, the second hangs: the third is used."""
    silent = Proxy(reactor, cluster.nodes[0].amqp_port).start()
    silent.hang()
    hanging = cluster.urls[0].replace(str(cluster.nodes[0].amqp_port), str(silent.port))
    refusing = cluster.urls[0].replace(f":{cluster.nodes[0].amqp_port}", ":1")
    trial = Trial(reactor, "broker list: refused, hanging, good", cluster.urls)
    await trial.begin(service_urls=[refusing, hanging, cluster.urls[1]])
    trial.start_service()
    await trial.consuming()
    trial.breaks += 2
    await trial.party.publish(range(int(4_000 * scale)))
    try:
        return await _concluded(trial, cluster)
    finally:
        await silent.stop()


async def poison(reactor: Any, cluster: Cluster, scale: float) -> Result:
    """Every hundredth event makes its rule raise: to the dead letters with it, and with nothing else."""
    trial = Trial(reactor, "poison, one in a hundred", cluster.urls)
    await trial.begin(statements='if .N % 100 == 99 { debug("{int("poison")}") }')
    await trial.preload(int(40_000 * scale))
    trial.start_service()
    return await _concluded(trial, cluster, 60.0)


async def three_instances(reactor: Any, cluster: Cluster, scale: float) -> Result:
    """Three services on one queue, one killed with -9 every 5 s and started again."""
    trial = Trial(reactor, "three instances, one killed every 5 s", cluster.urls)
    await trial.begin()
    for _ in range(3):
        trial.start_service()
    await trial.consuming()
    number = 0
    for _ in range(max(2, int(6 * scale))):
        number = await trial.party.publish_steadily(1_000, 5.0 if scale >= 1 else 1.5, number)
        await trial.end_service(trial.services[0], signal.SIGKILL)
        trial.breaks += 1
        trial.start_service()
    return await _concluded(trial, cluster)


ALL: dict[str, Experiment] = {
    "backlog": node_killed_with_a_backlog,
    "steady": node_killed_under_load,
    "thrice": node_killed_three_times,
    "service": service_killed,
    "silent": node_stopped,
    "swallow": _proxied("proxy swallows everything", Proxy.swallow, 40),
    "delay": _proxied("proxy delays by 500 ms", lambda proxy: proxy.delaying(0.5), 20),
    "cuts": _proxied("proxy cuts every 3 s", lambda proxy: proxy.cut_every(3.0), 20),
    "torn": _proxied("proxy cuts in the middle of a frame", Proxy.cut_in_frame, 5),
    "list": broken_list,
    "poison": poison,
    "three": three_instances,
}
