"""Rules are exchanged while events come in: nothing is lost, out of order, or run by half of them."""

import json

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from kzrules.service.reload import NotReloaded

BOTH = """
subscribe events {
    exchange "in" { type: topic }
    queue "events" { durable: true, type: classic }
    routing: ["#"]
    prefetch: 500
    ordered_by: .Key
}
event_route[kazoo:consumer-event-test-step] {
    publish("out", "step", { "Key": .Key, "N": .N, "One": "GEN", "Other": other() })
}
route other() { return "GEN" }
"""
EVENT = {"Event-Category": "test", "Event-Name": "step"}


async def steady(bus, rate, over, keys=20):
    """Publish at a steady rate until `over()`; how many that were."""
    sent, began = 0, reactor.seconds()
    while not over():
        due = int((reactor.seconds() - began) * rate) - sent
        await bus.publish("in", [("k", {**EVENT, "Key": n % keys, "N": n}) for n in range(sent, sent + due)])
        sent += due
        await deferLater(reactor, 0.005)
    return sent


def numbers_by_key(made):
    by_key = {}
    for one in made:
        by_key.setdefault(one["Key"], []).append(one["N"])
    return by_key


@pytest.mark.timeout(240)
@pytest_twisted.ensureDeferred
async def test_fifty_reloads_under_load_lose_nothing_keep_the_order_and_never_mix_rules(bus, serve):
    await bus.queue("outputs", "out")
    service = serve(BOTH.replace("GEN", "0"))
    await service.consuming(bus, "events")
    got, sent, over = [], [], []
    await bus.watch("outputs", got.extend)
    load = Deferred.fromCoroutine(steady(bus, 2000, lambda: over)).addCallback(sent.append)
    for number in range(1, 51):
        service.reload(BOTH.replace("GEN", str(number)))
        await bus.until(lambda number=number: len(service.said("reloaded")) >= number)
    over.append(True)
    await load
    await bus.until(lambda: len(got) >= sent[0])
    assert 0 == await service.stop()
    made = [json.loads(delivery.body) for delivery in got]
    assert list(range(sent[0])) == sorted(one["N"] for one in made), "each once"
    assert [] == [one for one in made if one["One"] != one["Other"]]
    assert all(numbers == sorted(numbers) for numbers in numbers_by_key(made).values())
    assert 20 < len({one["One"] for one in made}), "most of the rules ran events"
    totals = service.totals()
    assert (0, 0, 0) == (totals["returned"], totals["redelivered"], totals["late"])


@pytest.mark.timeout(120)
@pytest_twisted.ensureDeferred
async def test_wrong_rules_under_load_change_nothing_and_right_ones_may_follow(bus, serve):
    await bus.queue("outputs", "out")
    service = serve(BOTH.replace("GEN", "first"))
    await service.consuming(bus, "events")
    got, sent, over = [], [], []
    await bus.watch("outputs", got.extend)
    load = Deferred.fromCoroutine(steady(bus, 2000, lambda: over)).addCallback(sent.append)
    for number, broken in enumerate(("event_route[", BOTH.replace(": other()", ": nobody()"), ""), 1):
        service.reload(broken)
        await bus.until(lambda number=number: len(service.said("reload refused")) == number)
    service.reload(BOTH.replace("GEN", "second"))
    await bus.until(lambda: service.said("reloaded"))
    over.append(True)
    await load
    await bus.until(lambda: len(got) >= sent[0])
    assert 0 == await service.stop()
    made = [json.loads(delivery.body) for delivery in got]
    assert list(range(sent[0])) == sorted(one["N"] for one in made)
    assert {("first", "first"), ("second", "second")} == {(one["One"], one["Other"]) for one in made}
    first, second, empty = service.said("reload refused")
    assert "reload by signal" == first["what"]
    assert "the new rules have 1 error" == second["reason"]
    assert empty["reason"].startswith("the new rules subscribe to nothing")
    assert "nobody" in service.log.read_text()


def subscribing(*names, settings="", routing="#"):
    return "".join(
        f"""
subscribe {name} {{
    exchange "in.{name}" {{ type: topic }}
    queue "{name}" {{ durable: true, type: classic }}
    routing: ["{routing}"]
    {settings}
}}
"""
        for name in names
    )


TAKE = """
event_route[kazoo:consumer-event-test-step] {
    publish("out", "step", { "From": meta.subscription, "N": .N, "By": "GEN" })
}
"""


@pytest_twisted.ensureDeferred
async def test_subscriptions_come_change_and_go_and_the_others_do_not_notice(bus, inside):
    await bus.queue("outputs", "out")
    it = inside(subscribing("kept", "removed", "changed") + TAKE)
    await bus.until(lambda: it.status.ready)
    kept = it.consumer("kept")
    begun = kept._consuming
    said = await it.reload(
        subscribing("kept", "added")
        + subscribing("changed", settings="prefetch: 7", routing="other.#")
        + TAKE
    )
    assert said.endswith("subscriptions: added added; changed changed; removed removed")
    await bus.until(lambda: it.status.ready)
    assert ["kept", "added", "changed"] == [one.name for one in it.status.subscriptions]
    assert (kept, begun) == (it.consumer("kept"), kept._consuming), "the very same consumer on its channel"
    await bus.until(lambda: bus.consumers("removed", 0))
    for name in ("kept", "added", "changed", "removed"):
        await bus.publish(f"in.{name}", [("other.key", {**EVENT, "N": 1})])
    (unbound,) = await bus.refused("in.changed", [("key", {**EVENT, "N": 2})])
    assert 312 == unbound.code, "the key of the old rules is bound no more"
    got = await bus.take("outputs", 3)
    assert ["added", "changed", "kept"] == sorted(one["From"] for one in got)
    assert 1 == (await bus.count("removed"))[0]
    assert 7 == it.consumer("changed").spec.prefetch


@pytest_twisted.ensureDeferred
async def test_events_in_hand_end_by_the_rules_that_they_began_with(bus, inside):
    rules = (
        subscribing("events")
        + """
event_route[kazoo:consumer-event-test-step] {
    let answer = query("asked", "q", { "N": .N }, timeout: 20s) else (why) { reject(why) }
    publish("out", "step", { "N": answer.N, "By": "GEN" })
}
"""
    )
    await bus.queue("outputs", "out")
    await bus.queue("questions", "asked")
    it = inside(rules.replace("GEN", "old"))
    await bus.until(lambda: it.status.ready)
    questions = []
    await bus.watch("questions", questions.extend)
    await bus.publish("in.events", [("k", {**EVENT, "N": n}) for n in range(10)])
    await bus.until(lambda: len(questions) == 10)
    await it.reload(rules.replace("GEN", "new"))
    await bus.publish("in.events", [("k", {**EVENT, "N": 10})])
    await bus.until(lambda: len(questions) == 11)
    await bus.reply_to(questions)
    got = await bus.take("outputs", 11)
    assert {**dict.fromkeys(range(10), "old"), 10: "new"} == {one["N"]: one["By"] for one in got}


@pytest_twisted.ensureDeferred
async def test_what_a_removed_subscription_has_in_hand_ends_by_the_rules_that_had_it(bus, inside):
    rules = subscribing("events", settings="ordered_by: .N") + TAKE.replace(
        "publish", 'if meta.attempt == 1 { retry("later") }\n publish'
    )
    await bus.queue("outputs", "out")
    it = inside(rules)
    await bus.until(lambda: it.status.ready)
    await bus.publish("in.events", [("k", {**EVENT, "N": n}) for n in range(5)])
    await bus.until(lambda: it.status.totals.held == 5)
    await it.reload(subscribing("other") + TAKE)
    await bus.until(lambda: bus.consumers("events", 0))
    await bus.until(lambda: bus.depth("events", 5))
    assert 5 == it.status.totals.returned, "held for a retry: back to the queue, for whoever comes"
    assert 0 == len(it.status.failures) - 1


STATE = """
table seen { ttl: 1h }
TABLES
subscribe events {
    exchange "in" { type: topic }
    queue "events" { durable: true, type: classic }
    routing: ["#"]
}
event_route[kazoo:consumer-event-test-step] {
    seen[.N] = 1
    after 300ms as kept { publish("out", "after", { "What": "kept" }) }
    after 300ms as gone { publish("out", "after", { "What": "gone" }) }
}
"""


@pytest_twisted.ensureDeferred
async def test_tables_timers_and_waiting_blocks_that_still_exist_are_kept(bus, inside):
    await bus.queue("outputs", "out")
    timer = 'every 400ms { publish("out", "tick", { "What": "tick" }) }\n'
    old = STATE.replace("TABLES", "table dropped { }") + "every 1h { }\n" + timer
    it = inside(old)
    await bus.until(lambda: it.status.ready)
    await bus.until(lambda: len(it.service.parts.blocks._timers) == 2)
    ticking = [one.looping for one in it.service.parts.blocks._timers.values()]
    await bus.publish("in", [("k", {**EVENT, "N": 1})])
    await bus.until(lambda: it.status.blocks.waiting == 2)
    new = "# a line more\n" + STATE.replace("TABLES", "").replace("as gone", "as other") + timer
    await it.reload(new)
    assert 1 == it.status.blocks.waiting, "the block that the new rules have not is gone"
    assert [("seen", 1)] == [(table.name, table.entries) for table in it.status.tables]
    assert ticking[1:] == [one.looping for one in it.service.parts.blocks._timers.values()]
    got = await bus.take("outputs", 2)
    assert {"kept", "tick"} == {one["What"] for one in got}


@pytest_twisted.ensureDeferred
async def test_a_refusal_of_the_broker_leaves_the_old_rules_and_a_rollback_goes_back_one(bus, inside):
    await bus.queue("taken", "elsewhere", "fanout")
    it = inside(subscribing("events") + TAKE)
    await bus.until(lambda: it.status.ready)
    first = it.status.rules.generation
    with pytest.raises(NotReloaded, match=r"the broker refused what more declares .* cannot be declared"):
        await it.reload(subscribing("events") + subscribing("more").replace("in.more", "elsewhere") + TAKE)
    refused = it.status.rules
    assert first == refused.generation
    assert "PRECONDITION_FAILED" in refused.refused.why
    assert (0, 1) == (refused.reloads.succeeded, refused.reloads.failed)
    with pytest.raises(NotReloaded, match="no earlier rules"):
        await it.service.reload.back()
    await it.reload(subscribing("events", "more") + TAKE)
    again = it.status.rules
    assert (None, first) == (again.refused, again.previous)
    assert (1, 2) == (again.reloads.succeeded, again.reloads.failed)
    await it.service.reload.back()
    assert first == it.status.rules.generation
    assert ["events"] == [one.name for one in it.status.subscriptions]
    await bus.until(lambda: it.status.ready)


@pytest_twisted.ensureDeferred
async def test_another_broker_block_takes_a_restart_and_says_so(inside):
    it = inside(subscribing("events") + TAKE)
    (it.rules.parent / "broker.kzr").write_text('broker { "amqp://127.0.0.1:1" }\n')
    with pytest.raises(NotReloaded, match="takes a restart"):
        await it.reload(subscribing("events") + TAKE)


@pytest_twisted.ensureDeferred
async def test_a_queue_of_its_own_keeps_its_messages_through_other_settings(bus, inside):
    """Its consumer must not end for a moment: the queue would be gone."""
    rules = (
        """
subscribe own {
    exchange "in" { type: topic }
    queue "own" { }
    routing: ["#"]
    ordered_by: .N
    on_failure: retry(times: TIMES) then drop
}
"""
        + TAKE
    )
    await bus.queue("outputs", "out")
    it = inside(rules.replace("TIMES", "1"))
    await bus.until(lambda: it.status.ready)
    for times in range(2, 8):
        await bus.publish("in", [("k", {**EVENT, "N": n}) for n in range(200)])
        await it.reload(rules.replace("TIMES", str(times)))
    got = await bus.take("outputs", 1200)
    assert 1200 == len(got)
    assert 0 == it.status.totals.redelivered
