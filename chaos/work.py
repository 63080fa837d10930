"""Experiments with rules that fail, and with services that die or share their work."""

import random
import signal

from chaos.party import KEYS
from chaos.result import Result
from chaos.trial import Ground, Trial

RAISE = 'debug("{int("poison")}")'


async def killed(ground: Ground) -> Result:
    """Kill -9 of the service, 20 times at random moments."""
    times = max(3, int(20 * ground.scale))
    chance = random.Random(11)  # noqa: S311  moments, not secrets
    trial = Trial(ground, f"service killed, {times} times")
    await trial.begin(preload=ground.many())
    for turn in range(times):
        service = trial.start_service()
        await trial.consumed_times(turn + 1)
        await trial.pause(chance.uniform(0.05, 0.6))
        await trial.end_service(service, signal.SIGKILL)
        trial.breaks += 1
    trial.start_service()
    return await trial.concluded()


async def poison(ground: Ground) -> Result:
    """Every hundredth event makes its rule raise: to the dead letters with it, and with nothing else."""
    trial = Trial(ground, "poison, one in a hundred")
    await trial.begin(statements=f"if .N % 100 == 99 {{ {RAISE} }}", preload=ground.many())
    trial.start_service()
    return await trial.concluded()


async def bad_key(ground: Ground) -> Result:
    """A rule raises for one key of ten: the events of that key are given up, the others keep their order."""
    trial = Trial(ground, "a rule that raises for one key")
    trial.ordered = True
    await trial.begin(
        statements=f'if .Key == "k7" {{ {RAISE} }}', policy="ordered_by: .Key", preload=ground.many(10_000)
    )
    trial.start_service()
    return await trial.concluded()


async def dead_responder(ground: Ground) -> Result:
    """One event in ten asks somebody who is dead: it waits out its time, and the others go on."""
    trial = Trial(ground, "query whose responder is dead")
    asking = (
        'if .N % 10 == 0 { let answer = query("chaos.ask", "anybody", { "N": .N }, timeout: 1s)'
        ' else (why) { use { "why": why } } debug("{answer.why}") }'
    )
    await trial.begin(statements=asking, preload=ground.many(10_000))
    trial.start_service()
    return await trial.concluded()


async def three_instances(ground: Ground) -> Result:
    """Three services on one queue, one killed with -9 every 5 s and started again."""
    trial = Trial(ground, "three instances, one killed every 5 s")
    await trial.begin()
    return await _one_after_the_other(trial)


async def single_active(ground: Ground) -> Result:
    """The same on a queue with a single active consumer, and `ordered_by`: keys keep their order."""
    trial = Trial(ground, "single active consumer killed every 5 s")
    trial.ordered = True
    await trial.begin(policy="ordered_by: .Key", single=True)
    return await _one_after_the_other(trial)


async def _one_after_the_other(trial: Trial) -> Result:
    for turn in range(3):
        trial.start_service()
        await trial.consumed_times(turn + 1)
    ground, number = trial.ground, 0
    for _ in range(max(2, int(6 * ground.scale))):
        number = await trial.party.publish_steadily(100 * KEYS, ground.seconds(5, 1.5), number)
        await trial.end_service(trial.services[0], signal.SIGKILL)
        trial.breaks += 1
        trial.start_service()
    return await trial.concluded()
