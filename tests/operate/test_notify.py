"""What systemd is told."""

import socket

import pytest

from kzrules.operate.notify import Notifier
from tests.operate.test_site import a_status


@pytest.fixture
def manager(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        yield listening


@pytest.fixture
def notifier(tmp_path, manager):
    environment = {"NOTIFY_SOCKET": str(tmp_path / "notify")}
    made = Notifier(environment)
    assert {} == environment  # programs that it might start shall not speak for it
    return made


def test_the_life_of_a_service_is_told(manager, notifier):
    notifier.started()
    notifier.stopping()
    assert [b"READY=1", b"STOPPING=1\nSTATUS=draining"] == [manager.recv(200) for _ in range(2)]
    notifier.reloading()
    assert manager.recv(200).startswith(b"RELOADING=1\nMONOTONIC_USEC=")


def test_each_tick_feeds_the_watchdog_and_a_change_is_told_once(manager, notifier):
    for status in (a_status(), a_status(), a_status(draining=True)):
        notifier.alive(status)
    assert [
        b"WATCHDOG=1\nSTATUS=ready",
        b"WATCHDOG=1",
        b"WATCHDOG=1\nSTATUS=not ready: draining: nothing new is consumed",
    ] == [manager.recv(200) for _ in range(3)]


def test_without_a_manager_nothing_is_told():
    alone = Notifier({})
    alone.started()
    assert alone.heard is False


def test_a_manager_that_is_gone_is_given_up(manager, notifier, tmp_path):
    (tmp_path / "notify").unlink()
    notifier.started()
    assert notifier.heard is False
