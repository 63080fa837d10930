"""The permissions that docs/security.md gives the service's user are enough, and none of them is idle."""

import json
import re
from pathlib import Path

import pytest
import pytest_twisted

QUEUES = r"|kzrules-calls(\.retry-[0-9]+ms|\.dead)?"
PAGE = Path(__file__).parents[2] / "docs" / "security.md"
RULES = """
subscribe calls {
    exchange "calls" { type: topic }
    queue "kzrules-calls" { durable: true }
    routing: ["#"]
    on_failure: retry(times: 1, first: 50ms, longest: 50ms) then dead_letter("{queue}.dead")
}
event_route[kazoo:consumer-event-call-ask] {
    let answer = query("callevt", "who", { "N": .N }, timeout: 5s) else (why) { reject(why) }
    publish("lamps", "answered", { "N": answer.N })
}
event_route[kazoo:consumer-event-call-question] { reply({ "N": .N }) }
event_route[kazoo:consumer-event-call-never] { retry("never") }
"""


def permissions():
    """Configure, write and read, as they stand on the page."""
    found = re.search(r"set_permissions[^\n]*\n((?:\s+'[^\n]*\n){3})", PAGE.read_text())
    return [line.strip().rstrip("\\").strip().strip("'") for line in found[1].splitlines()]


def permissions_without(number, name):
    """The same, one name of one pattern taken out."""
    asked = permissions()
    assert name in asked[number]
    asked[number] = asked[number].replace(name, "", 1)
    return asked


def event(name, **fields):
    return "call", {"Event-Category": "call", "Event-Name": name, **fields}


async def dead_letters(bus):
    """The numbers of the events in the dead-letter queue, once it is there."""

    async def there():
        return (await bus.count("kzrules-calls.dead"))[0] > 0

    await bus.until(there)
    return [one["N"] for one in await bus.take("kzrules-calls.dead", 1)]


@pytest.fixture
def private(rabbit, vhost):
    """A user of the service's own; gives its permissions and its login."""

    def allow(patterns):
        rabbit.add_user(f"kz-{vhost}", "tr0ub4dor")
        rabbit.allow(f"kz-{vhost}", vhost, *patterns)
        return f"kz-{vhost}:tr0ub4dor"

    return allow


@pytest_twisted.ensureDeferred
async def test_a_user_with_the_documented_permissions_does_all_that_rules_can_ask_for(bus, serve, private):
    await bus.queue("outputs", "lamps")
    await bus.queue("questions", "callevt")
    await bus.answer("questions")
    service = serve(RULES, login=private(permissions()))
    await service.consuming(bus, "kzrules-calls")
    await bus.queue("answers", "targeted", kind="direct", key="asker-7")
    question = event("question", N=7, **{"Server-ID": "asker-7", "Msg-ID": "m7"})
    await bus.publish("calls", [event("ask", N=1), question, event("never", N=2), event("x", N=3)])
    assert [1] == [one["N"] for one in await bus.take("outputs", 1)]
    assert [("m7", 7)] == [(one["Msg-ID"], one["N"]) for one in await bus.take("answers", 1)]
    assert [2] == await dead_letters(bus)
    assert 0 == await service.stop()
    totals = service.totals()
    assert (1, 1, 0) == (totals["retried"], totals["rejected"], totals["unconfirmed"])


@pytest.mark.parametrize(
    ("taken", "said"),
    [
        ((0, "calls|"), "let the user of this connection configure it"),
        ((0, QUEUES), "let the user of this connection configure it"),
        ((1, QUEUES), "queue.bind is not permitted"),
        ((2, "calls|"), "let this user write to the queue and read the exchange"),
        ((2, QUEUES), "let this user read the queue"),
        ((2, "targeted|"), "no answers can come"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_missing_permission_is_named_and_the_password_is_not(bus, serve, private, taken, said):
    service = serve(RULES, login=private(permissions_without(*taken)))
    await bus.until(lambda log=service.log: said in log.read_text())
    assert 0 == await service.stop()
    lines = [json.loads(line) for line in service.log.read_text().splitlines()]
    told = [line["text"] for line in lines if said in line["text"]]
    assert "ACCESS_REFUSED" in told[0]
    assert not [line for line in lines if "tr0ub4dor" in json.dumps(line)]


@pytest_twisted.ensureDeferred
async def test_an_exchange_that_may_not_be_written_fails_the_event_and_loses_nothing(bus, serve, private):
    await bus.queue("outputs", "lamps")
    await bus.queue("questions", "callevt")
    await bus.answer("questions")
    service = serve(RULES, login=private(permissions_without(1, "lamps|")))
    await service.consuming(bus, "kzrules-calls")
    await bus.publish("calls", [event("ask", N=1)])
    assert [1] == await dead_letters(bus)
    assert "let this user write to the exchange" in service.log.read_text()
    assert 0 == await service.stop()
