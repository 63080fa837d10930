"""Ten minutes of steady load with something broken every 20 s, and one process that has to stay as it is."""

import itertools
import signal
from collections.abc import Awaitable, Callable
from statistics import mean

from twisted.internet.defer import Deferred

from chaos.result import Result
from chaos.trial import Ground, Sample, Trial

RATE = 300
GROWTH = 1.10
"""What the memory may grow to after the first minute."""


async def _kill_node(trial: Trial) -> None:
    active = trial.ground.cluster.nodes[0]
    active.kill()
    await trial.pause(trial.ground.seconds(4, 2))
    await trial.on(active.start)


async def _stop_node(trial: Trial) -> None:
    second = trial.ground.cluster.nodes[1]
    second.pause()
    await trial.pause(4)
    second.resume()


async def _close_connections(trial: Trial) -> None:
    for node in trial.ground.cluster.nodes:
        await trial.on(node.close_connections)


async def _alarm(trial: Trial) -> None:
    node = trial.ground.cluster.nodes[2]
    await trial.on(lambda: node.memory_alarm(on=True))
    await trial.pause(trial.ground.seconds(4, 2))
    await trial.on(lambda: node.memory_alarm(on=False))


async def _kill_the_other_service(trial: Trial) -> None:
    await trial.end_service(trial.services[1], signal.SIGKILL)
    trial.start_service()


TROUBLES: tuple[Callable[[Trial], Awaitable[None]], ...] = (
    _kill_node,
    _close_connections,
    _kill_the_other_service,
    _stop_node,
    _alarm,
)


async def ten_minutes(ground: Ground) -> Result:
    """Two services under steady load; one is killed among other things, the other one is measured."""
    trial = Trial(ground, "ten minutes of mixed trouble")
    await trial.begin()
    trial.start_service()
    await trial.consuming()
    trial.start_service()
    await trial.consuming(2)
    lasts, every = (600.0, 20.0) if ground.scale >= 1 else (22.0, 4.0)
    began = ground.reactor.seconds()
    publishing = Deferred.fromCoroutine(trial.party.publish_steadily(RATE, lasts))
    samples: list[Sample] = []
    troubles = itertools.cycle(TROUBLES)
    due = began + every
    while ground.reactor.seconds() - began < lasts:
        if ground.reactor.seconds() >= due:
            due += every
            trial.breaks += 1
            await next(troubles)(trial)
        await trial.pause(1.0)
        samples += trial.look()[:1]
    await publishing
    samples += trial.look()[:1]
    trial.wrong += grown(samples, began + lasts / 10, began + lasts / 5)
    return await trial.concluded()


def grown(samples: list[Sample], first: float, second: float) -> list[str]:
    """What is larger at the end than in the window from `first` to `second`."""
    early = [one for one in samples if first <= one.at < second]
    late = samples[-len(early) :]
    if not early:
        return ["nothing was measured"]
    wrong = []
    before, after = mean(one.memory for one in early), mean(one.memory for one in late)
    if after > before * GROWTH:
        wrong.append(f"memory grew from {before:.0f} to {after:.0f} MB")
    for name in ("descriptors", "threads"):
        least, most = (min(getattr(one, name) for one in part) for part in (early, late))
        if most > least + 2:
            wrong.append(f"{name} grew from {least} to {most}")
    return wrong
