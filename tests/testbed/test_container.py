"""Where only docker is to be had: held to what a stand-in for docker was told, since none runs here."""

import os
import socket
import stat

import pytest

from testbed import NoBroker, broker
from testbed.container import Container

STAND_IN = """#!/bin/sh
echo "$@" >> {log}
case "$1" in inspect) echo true;; esac
"""


@pytest.fixture
def told(tmp_path, monkeypatch):
    """The lines that docker was called with."""
    log = tmp_path / "log"
    log.touch()
    script = tmp_path / "docker"
    script.write_text(STAND_IN.format(log=log))
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return lambda: log.read_text().splitlines()


def test_a_container_listens_on_loopback_and_goes_with_its_ground(told):
    container = Container()
    name = container.ground.folder.name
    with socket.create_server(("127.0.0.1", container.amqp_port)):
        container.start()
    container.pause()
    container.destroy()
    assert (
        told()[0] == f"run --detach --name {name} --publish 127.0.0.1:{container.amqp_port}:5672 rabbitmq:3"
    )
    assert told()[-1] == f"rm --force --volumes {name}"
    assert not container.ground.folder.exists()


def test_docker_is_asked_only_when_nothing_else_is_to_be_had(told, monkeypatch):
    def nothing(_):
        raise NoBroker("nothing here")

    monkeypatch.setattr(broker, "find_programs", nothing)
    monkeypatch.setattr(Container, "start", lambda self: self)
    broker.private_broker(lambda _: None).destroy()
    assert told()[0] == "info"


def test_what_docker_says_is_passed_on(told, tmp_path):
    (tmp_path / "docker").write_text("#!/bin/sh\necho 'no such image' >&2; exit 1\n")
    container = Container()
    with pytest.raises(NoBroker, match="docker run said: no such image"):
        container.start()
    container.ground.close()
