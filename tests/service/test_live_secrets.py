"""The password is looked for wherever somebody else could see it: it stands in none of these places."""

import json
import urllib.request
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet.threads import deferToThread
from twisted.internet.utils import getProcessOutputAndValue

from testbed.ports import free_port

PASSWORD = "c0rrecthorse"
RULES = """
subscribe events {
    exchange "in" { type: topic }
    queue "events" { durable: true, type: classic }
    routing: ["#"]
    on_failure: retry(times: 0) then dead_letter("dead")
}
event_route[kazoo:consumer-event-test-good] { publish("out", "k", { "N": .N }) }
event_route[kazoo:consumer-event-test-bad] {
    let n = .N + 1
    info("{n}")
}
"""


@pytest.fixture
def login(rabbit, vhost):
    rabbit.add_user(f"kz-{vhost}", PASSWORD)
    rabbit.allow(f"kz-{vhost}", vhost, ".*", ".*", ".*")
    return f"kz-{vhost}:{PASSWORD}"


def processes(pid):
    """A process and its children, by what everybody may read of them."""
    found = [Path("/proc", str(pid))]
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [Path("/proc", child) for child in (task / "children").read_text().split()]
    return {
        f"{place}/{name}": (place / name).read_bytes() for place in found for name in ("cmdline", "environ")
    }


async def fetched(port, path):
    def get():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.read().decode()

    return await deferToThread(get)


@pytest.mark.parametrize("form", ["text", "json"])
@pytest_twisted.ensureDeferred
async def test_the_password_is_nowhere_to_be_seen(bus, serve, login, tmp_path, form):
    port, control = free_port(), tmp_path / "control"
    asked = ("--http", f"127.0.0.1:{port}", "--control", str(control), "--state", str(tmp_path / "state"))
    service = serve(RULES, *asked, "--log-level", "debug", "--log-format", form, login=login)
    await bus.queue("outputs", "out")
    await service.consuming(bus, "events")
    events = [{"Event-Category": "test", "Event-Name": name, "N": "x"} for name in ("good", "bad")]
    await bus.publish("in", [("k", event) for event in events])
    await bus.until(lambda: bus.depth("dead", 1))
    seen = {name: text.decode(errors="replace") for name, text in processes(service.process.pid).items()}
    for path in ("/", "/metrics", "/status.json", "/readyz"):
        seen[path] = await fetched(port, path)
    kzrules = str(Path(service.process.args[0]).with_name("kzrules"))
    for verb in ("status", "routes", "tables", "reload"):
        words = ["ctl", "--control", str(control), verb, *(["--json"] if verb == "status" else [])]
        out, err, _ = await getProcessOutputAndValue(kzrules, words, {"COLUMNS": "80"})
        seen[f"ctl {verb}"] = (out + err).decode()
    assert 0 == await service.stop()
    seen["log"] = service.log.read_text()
    seen |= {
        str(path): path.read_text("latin1") for path in (tmp_path / "state").rglob("*") if path.is_file()
    }
    assert [] == [name for name, text in seen.items() if PASSWORD in text]
    assert "kazoo:consumer-event-test-bad" in seen["log"], "it was written at debug"
    assert "kzrules_events_total" in seen["/metrics"]
    assert json.loads(seen["/status.json"])["totals"]["received"] == 2


@pytest_twisted.ensureDeferred
async def test_a_refused_password_is_not_told_either(bus, serve, login):
    service = serve(RULES, "--log-level", "debug", login=login.replace(PASSWORD, f"{PASSWORD}-wrong"))
    await bus.until(lambda: "refused" in service.log.read_text().lower())
    assert 0 == await service.stop()
    assert PASSWORD not in service.log.read_text()


@pytest.mark.parametrize("url", [f"amqp://kz:{PASSWORD}@[::1", f"amqp://kz:{PASSWORD}@127.0.0.1:port"])
@pytest_twisted.ensureDeferred
async def test_a_password_in_a_url_that_cannot_be_read_is_not_quoted(serve, tmp_path, url):
    service = serve(RULES, name="wrong")
    service.close()
    (tmp_path / "wrong" / "broker.kzr").write_text(f'broker {{ "{url}" }}\n')
    words = ["run", "--broker-file", str(tmp_path / "wrong" / "broker.kzr"), str(service.rules)]
    kzrules = str(Path(service.process.args[0]).with_name("kzrules"))
    out, err, status = await getProcessOutputAndValue(kzrules, words, {"COLUMNS": "80"})
    assert 1 == status
    assert PASSWORD not in (out + err).decode()
