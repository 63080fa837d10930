"""The experiments of `make bench`, by name. Each fills a table; peers take part where they can."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from bench import competitors, publishing
from bench.bus import NotInTime
from bench.competitors import PREFETCH, Competitor, kzrules
from bench.consuming import QUEUE, add, consume, filled
from bench.events import NAMES, SIZES, body, examples
from bench.leftout import LeftOut
from bench.rated import latency, query, serving, switch, waiting
from bench.results import Experiment
from bench.round import Measure, Round
from bench.rulesets import OUTPUTS, routes, rules, subscribe
from bench.service import Service, memory


async def _consume_all(  # noqa: PLR0917  one call an experiment
    round_: Round, to: Experiment, group: str, who: list[Competitor], bodies: Any, count: int, warm: Any = ()
) -> None:
    turn = round_.number % len(who) if who else 0
    for one in who:  # rows in the order of the list, runs in turns, so that no neighbour is always the same
        to.row(group, one.name)
    for one in who[turn:] + who[:turn]:
        if not round_.wanted(one.name):
            continue
        try:
            run = await consume(round_.bus, one, bodies, count, round_.folder, warm)
        except (NotInTime, LeftOut) as why:
            to.leave_out(group, one.name, str(why))
        else:
            to.add(group, one.name, run.rate, us=run.processor, MB=run.memory / 1e6)


def settle(size: int) -> Measure:
    """Consume → route → settle, with events of one size."""

    async def measure(round_: Round, to: Experiment) -> None:
        count = round_.count(40_000 if size <= 2_000 else 10_000)
        for group, who in (
            ("acknowledged after the work", competitors.after_the_work()),
            ("acknowledged at once", competitors.at_once()),
        ):
            await _consume_all(round_, to, group, who, examples(size), count)

    return measure


async def forward(round_: Round, to: Experiment) -> None:
    """Consume → route → publish confirmed → ack."""
    who = competitors.forwarding()
    await _consume_all(round_, to, "one confirmed publish an event", who, examples(250), round_.count(20_000))


async def watched(round_: Round, to: Experiment) -> None:
    """With metrics, health and the page, and without."""
    who = [
        kzrules("without metrics", workers=4),
        kzrules("with --http", workers=4, options=("--http", "127.0.0.1:0")),
    ]
    await _consume_all(round_, to, "acknowledged after the work", who, examples(250), round_.count(60_000))


async def publish(round_: Round, to: Experiment) -> None:
    """Publish with confirms, persistent messages of 250 bytes."""
    for who in publishing.PUBLISHERS:
        if round_.wanted(who):
            await round_.bus.queue(OUTPUTS)
            count = round_.count(20_000)
            try:
                rate = await deferToThread(publishing.rate, who, round_.bus.url, OUTPUTS, count)
            except (LeftOut, subprocess.CalledProcessError) as why:
                to.leave_out("confirmed", who, str(why))
            else:
                to.add("confirmed", who, rate)


async def _drain(round_: Round, services: list[Service], queues: list[str], count: int) -> float:
    """Events a second, from when every queue has its consumers to when all are empty."""
    bus = round_.bus
    wanted = len(services) if len(queues) == 1 else 1

    async def consuming_all() -> bool:
        return all([await bus.consumers(queue) >= wanted for queue in queues])

    await bus.until(consuming_all, 60, "every consumer", services[0])
    left = sum([await bus.ready(queue) for queue in queues])
    began = bus.reactor.seconds()
    if left < count / 4:
        raise NotInTime("the events were done before all had begun: give it more")

    async def empty() -> bool:
        return not any([await bus.ready(queue) for queue in queues])

    await bus.until(empty, 60, "the last event", services[0])
    return left / (bus.reactor.seconds() - began)


async def processes(round_: Round, to: Experiment) -> None:
    """Several processes on one queue."""
    for many in (1, 2, 4):
        count = round_.count(150_000)
        await round_.bus.queue(QUEUE)
        await round_.bus.fill(QUEUE, examples(250), count)
        text = rules(QUEUE, "", PREFETCH)
        services = [Service(round_.new_folder(), round_.bus.url, text, "--workers", "1") for _ in range(many)]
        try:
            to.add("events a second", f"{many} processes", await _drain(round_, services, [QUEUE], count))
        except NotInTime as why:
            to.leave_out("events a second", f"{many} processes", str(why))
        finally:
            for service in services:
                service.stop()


async def subscriptions(round_: Round, to: Experiment) -> None:
    """One process, 1 to 50 subscriptions, each with its queue."""
    for many in (1, 10, 50):
        count = round_.count(200_000)
        queues = [f"{QUEUE}.{number}" for number in range(many)]
        text = "".join(
            subscribe(queue, PREFETCH).replace("subscribe bench", f"subscribe bench_{number}")
            for number, queue in enumerate(queues)
        ) + "".join(routes("", NAMES))
        for queue in queues:
            await round_.bus.queue(queue)
            await round_.bus.fill(queue, examples(250), count // many)
        service = Service(round_.new_folder(), round_.bus.url, text, "--workers", "1")
        try:
            to.add("events a second", f"{many} subscriptions", await _drain(round_, [service], queues, count))
        except NotInTime as why:
            to.leave_out("events a second", f"{many} subscriptions", str(why))
        finally:
            service.stop()
            for queue in queues:
                await round_.bus.channel.delete_queue(queue)


async def many_routes(round_: Round, to: Experiment) -> None:
    """10 to 10,000 routes, and events for all of them."""
    for many in (10, 100, 1_000, 10_000):
        names = tuple(f"step_{number}" for number in range(many))
        text = rules(QUEUE, "", PREFETCH, names=names)
        bodies = [body(250, names[number * 7919 % many], number) for number in range(max(1_000, many))]
        who = [kzrules(f"{many:,} routes", text=text)]
        # What a name costs the first time is not what is asked here: every one has been seen before.
        await _consume_all(round_, to, "events a second", who, bodies, round_.count(60_000), warm=bodies)


async def depth(round_: Round, to: Experiment) -> None:
    """Payloads of 2 KB, flat and nested."""
    for deep in (1, 10, 50, 150):
        bodies = [_nested(deep, number) for number in range(1_000)]
        who = [kzrules(f"{deep} deep")]
        await _consume_all(round_, to, "events a second", who, bodies, round_.count(30_000))


def _nested(deep: int, number: int) -> bytes:
    inner: Any = "x" * max(0, 1_700 - 10 * deep)
    for _ in range(deep):
        inner = {"deep": inner}
    return body(0, NAMES[number % len(NAMES)], number, Rest=inner)


async def tables(round_: Round, to: Experiment) -> None:
    """A table of a million entries: each event writes one of its own, and the speed must not fall."""
    chunk = round_.count(100_000)
    text = rules(QUEUE, "    seen[.Call-ID] = .Expires\n", PREFETCH).replace("100_000", "1_000_000")
    await _in_chunks(
        round_, to, text, chunk, lambda at: [body(0, NAMES[0], at * chunk + n) for n in range(chunk)]
    )


async def flat(round_: Round, to: Experiment) -> None:
    """Memory at rest, and after a million events."""
    chunk = round_.count(100_000)
    await _in_chunks(round_, to, rules(QUEUE, "", PREFETCH), chunk, lambda _: examples(250))


async def _in_chunks(
    round_: Round, to: Experiment, text: str, chunk: int, bodies: Callable[[int], Any]
) -> None:
    bus = round_.bus
    await filled(bus, [], 0)
    (await serving(round_, text, "--workers", "1")).stop()  # the first start of all fills the cache
    marks = await filled(bus, [], 0)
    service = await serving(round_, text, "--workers", "1")
    marks.pids = service.pids
    try:
        await bus.until(lambda: len(marks.seen) >= 2, 30, "the first marks", service)
        await deferLater(bus.reactor, 1.0)
        to.add("MB", "at rest", memory(service.pids) / 1e6)
        for at in range(11):  # the last one finds a table of a million entries full
            marks.seen.clear()
            await add(bus, bodies(at), chunk)
            await bus.until(lambda: len(marks.seen) >= 2, 120, "the last mark", service)
            if at in {0, 4, 9, 10}:
                (began, spent), (ended, spent_then) = marks.seen
                who = f"after {chunk * (at + 1):,} events"
                to.add("MB", who, memory(service.pids) / 1e6)
                to.add(
                    "us of processor an event",
                    who,
                    (spent_then - spent) / chunk * 1e6,
                    rate=chunk / (ended - began),
                )
    finally:
        service.stop()


@dataclass(frozen=True, slots=True)
class Known:
    """An experiment that can be asked for."""

    measure: Measure
    title: str
    unit: str = "events a second"
    less_is_better: bool = False
    rounds: int = 3


ALL: dict[str, Known] = {
    **{f"settle-{size}": Known(settle(size), f"consume, route, settle: {size:,} bytes") for size in SIZES},
    "forward": Known(forward, "consume, route, publish confirmed, acknowledge: 250 bytes"),
    "publish": Known(publish, "publish with confirms: 250 bytes, persistent", "messages a second"),
    "query": Known(query, "query round trip", ""),
    "waiting": Known(waiting, "10,000 queries waiting at once", ""),
    "latency": Known(latency, "latency from publish to output", ""),
    "switch": Known(switch, "the switch interval, large rules that publish", ""),
    "processes": Known(processes, "several processes on one queue"),
    "routes": Known(many_routes, "as routes grow"),
    "subscriptions": Known(subscriptions, "as subscriptions grow"),
    "depth": Known(depth, "as payloads grow deep"),
    "tables": Known(tables, "as tables grow to a million entries", "", rounds=1),
    "watched": Known(watched, "what metrics cost"),
    "memory": Known(flat, "memory over a million events", "", rounds=1),
}
