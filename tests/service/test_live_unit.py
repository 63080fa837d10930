"""The unit's own commands, run as systemd runs them: told when it is ready, alive, reloaded and stopping."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet.threads import deferToThread
from twisted.internet.utils import getProcessOutputAndValue

from testbed.ports import free_port

ROOT = Path(__file__).parents[2]
UNIT = (ROOT / "contrib" / "systemd" / "kzrules.service").read_text()
HEALTH = json.loads(re.search(r"CMD (\[.*\])", (ROOT / "Containerfile").read_text())[1])
BIN = Path(sys.executable).parent
RULES = """
broker { "%s" login: secret("broker") }
subscribe events { exchange "in" { type: topic } queue "events" { durable: true } routing: ["#"] }
event_route[kazoo:consumer-event-test-good] { publish("out", "k", { "N": .N }) }
"""


class Manager:
    """What systemd does for a service of type notify, in a folder of the test's own."""

    def __init__(self, folder, url):
        self.folder = folder
        self.port = free_port()
        for name in ("run/kzrules", "state/kzrules", "cache/kzrules", "etc/rules", "credentials", "work"):
            (folder / name).mkdir(parents=True)
        login = re.search("//(.*)@", url)[1]
        (folder / "credentials" / "broker").write_text(login)
        (folder / "etc/rules/rules.kzr").write_text(RULES % url.replace(f"{login}@", ""))
        self.notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notified.bind(str(folder / "notify"))
        self.notified.setblocking(False)
        self.told = []
        self.log = folder / "log"

    def command(self, setting):
        line = re.search(rf"^{setting}=(.*)$", UNIT, re.MULTILINE)[1]
        for name, place in (
            ("/opt/kzrules/bin", BIN),
            ("%t", self.folder / "run"),
            ("%S", self.folder / "state"),
            ("/etc/kzrules/rules", self.folder / "etc/rules"),
            ("127.0.0.1:9480", f"127.0.0.1:{self.port}"),
        ):
            line = line.replace(name, str(place))
        return shlex.split(line)

    def start(self):
        given = {
            "NOTIFY_SOCKET": str(self.folder / "notify"),
            "CREDENTIALS_DIRECTORY": str(self.folder / "credentials"),
            "XDG_CACHE_HOME": str(self.folder / "cache/kzrules"),
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self.command("ExecStart"), cwd=self.folder / "work", env=given, stdout=log, stderr=log
            )

    def has_been_told(self, text):
        while True:
            try:
                self.told += self.notified.recv(4096).decode().splitlines()
            except BlockingIOError:
                return text in self.told


@pytest.fixture
def manager(tmp_path, broker_url):
    made = Manager(tmp_path, broker_url)
    yield made
    if made.process.poll() is None:
        made.process.kill()
    made.process.wait()
    made.notified.close()


async def run(command):
    return await getProcessOutputAndValue(command[0], command[1:], {**os.environ, "COLUMNS": "80"})


@pytest_twisted.ensureDeferred
async def test_the_unit_starts_is_alive_reloads_and_ends_as_systemd_expects(bus, manager):
    await bus.queue("outputs", "out")
    manager.start()
    await bus.until(lambda: manager.has_been_told("READY=1"))
    await bus.until(lambda: bus.consumers("events", 1))
    await bus.until(lambda: manager.has_been_told("STATUS=ready"))
    assert "WATCHDOG=1" in manager.told
    event = {"Event-Category": "test", "Event-Name": "good"}
    await bus.publish("in", [("k", {**event, "N": 1})])
    assert [1] == [one["N"] for one in await bus.take("outputs", 1)]
    health = [word.replace("9480", str(manager.port)) for word in [sys.executable, *HEALTH[1:]]]
    assert 0 == (await run(health))[2], "the container's health check"
    out, err, status = await run(manager.command("ExecReload"))
    assert 0 == status, (out, err)
    (manager.folder / "etc/rules/rules.kzr").write_text("nonsense")
    out, err, status = await run(manager.command("ExecReload"))
    assert 0 != status, "a refused reload is a failed one"
    manager.process.send_signal(signal.SIGTERM)
    assert 0 == await deferToThread(manager.process.wait, 50)
    assert manager.has_been_told("STOPPING=1")
    assert [] == list((manager.folder / "work").iterdir()), "nothing is written into the working folder"
