"""The experiments at fixed rates: latency, the switch interval, queries, and queries that wait.

Called by `experiments`, which knows them all by name.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from bench import kazoo, paced
from bench.bus import Bus, NotInTime
from bench.competitors import HERE, PREFETCH
from bench.consuming import QUEUE
from bench.events import NAMES, body
from bench.leftout import LeftOut
from bench.results import Experiment
from bench.round import Round
from bench.rulesets import ASK, FORWARD, QUESTIONS, RULES, rules
from bench.service import Service, memory, processor
from testbed.ports import free_port

HIGHEST = "highest rate held (a second)"


async def serving(
    round_: Round, text: str, *options: str, environment: dict[str, str] | None = None
) -> Service:
    """The service with these rules, once it consumes."""
    service = Service(round_.new_folder(), round_.bus.url, text, *options, environment=environment)
    try:
        await round_.bus.until(lambda: round_.bus.consumers(QUEUE), 30, "its consumer", service)
    except BaseException:
        service.stop()
        raise
    return service


Pids = dict[str, list[int]]
"""Whose processor is looked at while events go through, by what it is called."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One row of every group. It may have other processes once it is revived."""

    who: str
    source: paced.Source
    pids: Callable[[], Pids]
    revive: Callable[[], None] = lambda: None


async def _serving_at_rates(  # noqa: PLR0917  two callers
    round_: Round,
    to: Experiment,
    text: str,
    who: str = "kzrules",
    others: Pids | None = None,
    also_at: float = 0.0,
) -> None:
    """kzrules, with these rules."""
    outputs = await paced.watch_outputs(round_.bus)
    service = await serving(round_, text, "--workers", "4")
    try:
        measured = Measured(who, outputs, lambda: {"own": service.pids, **(others or {})})
        await _paced(round_, to, measured, also_at)
    finally:
        service.stop()


async def _paced(round_: Round, to: Experiment, measured: Measured, also_at: float | None = 0.0) -> float:
    """The highest rate held, which is given back; percentiles at parts of it, and at another rate.

    That is `also_at`: none where it is 0, its own half where it is None.
    """
    seconds, who = max(1.0, 3 * round_.scale), measured.who

    async def at(rate: float) -> paced.Paced:
        return await paced.at_rate(round_.bus, measured.source, rate, seconds)

    async def calm() -> None:
        measured.revive()
        await paced.quiet(round_.bus, measured.source)

    async def told(group: str, rate: float) -> None:
        pids = measured.pids()
        spent = {name: processor(of) for name, of in pids.items()}
        one = await at(rate)
        if measured.pids() != pids:
            to.leave_out(group, who, "it ended at this rate")
        else:
            more = {"a second": one.rate, "p99": one.p99 * 1e3, "p999": one.p999 * 1e3}
            for name, of in pids.items():
                more[f"us {name}"] = (processor(of) - spent[name]) / one.sent * 1e6
            to.add(group, who, one.median * 1e3, **more)
        if not one.held:
            await calm()  # what is still on its way would count for the next rate

    if not (await at(200)).held:  # it warms up
        await calm()
    found = await paced.highest(at, calm)
    held = [one.rate for one in found if one.held]
    top = max(held, default=0.0)
    to.add(HIGHEST, who, top)
    for part in (10, 50, 90) if top else ():
        await told(f"median ms at {part} % of it", top * part / 100)
    also_at = top / 2 if also_at is None else also_at
    if also_at:
        await told("median ms at half of the module's highest rate", also_at)
    return top


async def latency(round_: Round, to: Experiment) -> None:
    """From an event's intended publish to its output."""
    await _serving_at_rates(round_, to, rules(QUEUE, FORWARD, PREFETCH))


async def switch(round_: Round, to: Experiment) -> None:
    """Seconds for which a worker may hold the interpreter while the reactor waits for it."""
    seconds = max(1.0, 4 * round_.scale)
    where = str(HERE / "switch")
    text = rules(QUEUE, RULES["large"] + FORWARD, PREFETCH)
    for interval in (0.005, 0.001, 0.0002):
        outputs = await paced.watch_outputs(round_.bus)
        path = os.pathsep.join([where, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        environment = {"BENCH_SWITCH": str(interval), "PYTHONPATH": path}
        service = await serving(round_, text, "--workers", "4", environment=environment)
        try:
            await paced.at_rate(round_.bus, outputs, 200, 0.5)
            for rate in (500, 1_500):
                one = await paced.at_rate(round_.bus, outputs, rate, seconds)
                to.add(
                    f"median ms at {rate} a second",
                    f"{interval * 1e3:g} ms",
                    one.median * 1e3,
                    p99=one.p99 * 1e3,
                )
        finally:
            service.stop()


async def query(round_: Round, to: Experiment) -> None:
    """A SIP request, its question and answer, its reply, by either way; an event, the same, its output."""
    await round_.bus.queue(QUESTIONS)
    answering = responder(round_.bus)
    try:
        await round_.bus.until(lambda: round_.bus.consumers(QUESTIONS), 30, "the responder")
        others = {"responder": [answering.pid], "driver": [os.getpid()]}
        top = await _asking_module(round_, to, others)
        await _asking_kzrules(round_, to, others, top / 2)
        text = rules(QUEUE, ASK + FORWARD, PREFETCH)
        await _serving_at_rates(round_, to, text, "kzrules, from event to output", others, top / 2)
    finally:
        answering.kill()
        answering.wait()


async def _asking_module(round_: Round, to: Experiment, others: Pids) -> float:
    """Kamailio, which asks for each SIP request, from the request to its answer: its highest rate."""
    who = "kazoo_query, 4 children"
    with ExitStack() as ends:
        try:
            module = kazoo.asking(round_.bus.url)
            ends.callback(module.stop)
            caller = _caller(round_, module, ends)
            measured = Measured(who, caller, lambda: {"own": module.pids, **others}, module.revive)
            return await _paced(round_, to, measured, None)
        except LeftOut as why:
            to.leave_out(HIGHEST, who, str(why))
            return 0.0


async def _asking_kzrules(round_: Round, to: Experiment, others: Pids, also_at: float) -> None:
    """The same requests, to a Kamailio that has kzrules ask; the processors of both are told apart."""
    who, evapi = "kzrules, from SIP to SIP", free_port()
    with ExitStack() as ends:
        try:
            front = kazoo.in_front(evapi)
            ends.callback(front.stop)
            service = Service(round_.new_folder(), round_.bus.url, kazoo.behind(evapi), "--workers", "4")
            ends.callback(service.stop)
            await round_.bus.until(front.sees_kzrules, 30, "kzrules' hello to Kamailio", service)
            measured = Measured(
                who,
                _caller(round_, front, ends),
                lambda: {"own": service.pids, "Kamailio": front.pids, **others},
                front.revive,
            )
            await _paced(round_, to, measured, also_at)
        except (LeftOut, NotInTime) as why:
            to.leave_out(HIGHEST, who, str(why))


def _caller(round_: Round, module: kazoo.Module, ends: ExitStack) -> kazoo.Caller:
    caller = kazoo.Caller(round_.bus.reactor, module.kamailio.sip_port)
    ends.callback(caller.close)
    return caller


def responder(bus: Bus) -> subprocess.Popen[bytes]:
    """Who answers all questions, in a process of its own."""
    return subprocess.Popen([sys.executable, "-m", "bench.responder", bus.url], cwd=HERE.parent)


async def waiting(round_: Round, to: Experiment) -> None:
    """Ten thousand questions wait at once on four threads; then all are answered."""
    bus, count = round_.bus, round_.count(10_000)
    await bus.queue(QUESTIONS)
    outputs = await paced.watch_outputs(bus)
    text = rules(QUEUE, ASK + FORWARD, f"prefetch: {count}")
    service = await serving(round_, text, "--workers", "4")
    answering = None
    try:
        before = memory(service.pids)
        began = bus.reactor.seconds()
        bus.publish(QUEUE, [body(250, NAMES[0], number, Due=f"{began:.6f}") for number in range(count)])
        await bus.until(lambda: _ready(bus, QUESTIONS, count), 60, "the last question", service)
        to.add("until all wait (s)", "kzrules", bus.reactor.seconds() - began)
        to.add("KB a waiting question", "kzrules", (memory(service.pids) - before) / count / 1e3)
        began = bus.reactor.seconds()
        answering = responder(bus)
        await bus.until(lambda: len(outputs.took) >= count, 60, "the last output", service)
        to.add("until all are through (s)", "kzrules", bus.reactor.seconds() - began)
    finally:
        service.stop()
        if answering is not None:
            answering.kill()
            answering.wait()


async def _ready(bus: Bus, queue: str, count: int) -> bool:
    return await bus.ready(queue) >= count
