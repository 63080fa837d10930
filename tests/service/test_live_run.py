"""`kzrules run`, the watch on the rule files, and what a failure's line in the log holds."""

import json
import signal
import subprocess
import sys

import pytest
import pytest_twisted
from twisted.internet.threads import deferToThread

RULES = """
subscribe events {
    exchange "in" { type: topic }
    queue "events" { durable: true, type: classic }
    routing: ["#"]
    on_failure: retry(times: 0) then drop
}
event_route[kazoo:consumer-event-test-bad] {
    let n = .N + 1
    info("{n}")
}
"""
BAD = {"Event-Category": "test", "Event-Name": "bad", "N": "text", "Msg-ID": "id-4711"}


@pytest_twisted.ensureDeferred
async def test_run_is_the_foreground_twin_and_writes_nothing_into_the_working_folder(
    bus, tmp_path, broker_url
):
    work, rules = tmp_path / "work", tmp_path / "rules"
    work.mkdir()
    rules.mkdir()
    (rules / "rules.kzr").write_text(RULES)
    (rules / "broker.kzr").write_text(f'broker {{ "{broker_url}" }}\n')
    command = [sys.executable, "-m", "kzrules.cli", "run", "--log-format", "json", str(rules)]
    with subprocess.Popen(  # noqa: ASYNC220  forking does not wait
        command, cwd=work, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            await bus.until(lambda: bus.consumers("events", 1))
            await bus.publish("in", [("k", BAD)])
            await bus.until(lambda: bus.depth("events", 0))
            process.send_signal(signal.SIGTERM)
            out, err = await deferToThread(process.communicate, timeout=30)
        finally:
            process.kill()
    assert (0, []) == (process.returncode, list(work.iterdir()))
    lines = [json.loads(line) for line in out.decode().splitlines()]
    (failure,) = [line for line in lines if line.get("event") == "failure"]
    expected = {
        "level": "error",
        "subscription": "events",
        "route": "kazoo:consumer-event-test-bad",
        "place": f"{rules}/rules.kzr:9",
        "cause": "error",
        "routing_key": "k",
        "msg_id": "id-4711",
        "attempt": 1,
    }
    assert expected == {name: failure[name] for name in expected}
    assert "id-4711" in failure["text"]
    assert 1 == len([line for line in lines if line.get("event") == "totals"])
    assert b"guest:guest" not in out + err


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["--help"], 0, "Usage: kzrules run [options] RULES..."),
        ([], 2, "Say which rules to run"),
        (["--workers", "0", "x.kzr"], 2, "--workers is at least 1"),
        (["nowhere.kzr"], 1, "nowhere.kzr"),
    ],
)
def test_run_says_what_is_wrong_before_it_begins(tmp_path, words, status, told):
    command = [sys.executable, "-m", "kzrules.cli", "run", *words]
    shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (status, True) == (shown.returncode, told in shown.stdout + shown.stderr)


@pytest_twisted.ensureDeferred
async def test_a_changed_file_is_loaded_anew_once_it_stands_still(bus, serve):
    service = serve(RULES, "--watch")
    await service.consuming(bus, "events")
    service.rules.write_text(RULES + "event_route[")
    await bus.until(lambda: service.said("reload refused"))
    service.rules.write_text(RULES + "# right again\n")
    await bus.until(lambda: service.said("reloaded"))
    assert ["reload by watch"] == [line["what"] for line in service.said("reloaded")]
    assert 0 == await service.stop()
