"""Names with several addresses: each of them gets its turn to be the first."""

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from kzrules.broker.dial import Attempt, _Turned
from kzrules.broker.zones import Server
from kzrules.errors import SettingError

ADDRESSES = [IPv4Address("TCP", f"10.0.0.{number}", 5672) for number in (1, 2, 3)]


class Resolving:
    """A reactor that knows one name."""

    def __init__(self, addresses):
        self.nameResolver, self.addresses = self, addresses

    def resolveHostName(self, receiver, host, **_):
        receiver.resolutionBegan(None)
        for address in self.addresses:
            receiver.addressResolved(address)
        receiver.resolutionComplete()


class Receiver:
    def __init__(self):
        self.found, self.complete = [], False

    def resolutionBegan(self, resolution):
        self.began = True

    def addressResolved(self, address):
        self.found.append(address.host[-1])

    def resolutionComplete(self):
        self.complete = True


@pytest.mark.parametrize(("turn", "expected"), [(0, "123"), (1, "231"), (2, "312"), (3, "123")])
def test_each_turn_starts_with_another_address_and_none_is_left_out(turn, expected):
    receiver = Receiver()
    _Turned(Resolving(ADDRESSES), turn).resolveHostName(receiver, "host", portNumber=5672)
    assert "".join(receiver.found) == expected
    assert receiver.complete


def test_a_name_without_addresses_is_complete_too():
    receiver = Receiver()
    _Turned(Resolving([]), 5).resolveHostName(receiver, "host")
    assert receiver.complete


def test_what_dialling_raises_is_the_attempts_failure():
    def dial(server, turn):
        raise SettingError("`ca` cannot be read")

    clock, failed = Clock(), []
    attempt = Attempt(
        Server(1, "z", "host", 5672), clock, (1.0, 1.0), print, print, lambda _, error: failed.append(error)
    )
    attempt.start(dial, 0)
    assert "host:5672: `ca` cannot be read" in str(failed[0])
    assert clock.getDelayedCalls() == []


def test_a_transport_that_comes_after_the_attempt_was_given_up_is_aborted():
    class Protocol:
        def __init__(self):
            self.opened, self.aborted = Deferred(), False

        def abort(self, error):
            self.aborted = True
            self.opened.errback(error)

    class Stubborn(Deferred):
        def cancel(self):
            pass

    dialling, protocol = Stubborn(), Protocol()
    attempt = Attempt(Server(1, "z", "host", 5672), Clock(), (1.0, 1.0), print, print, print)
    attempt.start(lambda server, turn: dialling, 0)
    attempt.abort()
    dialling.callback(protocol)
    assert protocol.aborted


def test_importing_the_broker_parts_installs_no_reactor_and_imports_no_adapter():
    import subprocess
    import sys

    code = (
        "import sys, kzrules.broker.amqp, kzrules.broker.link, kzrules.broker.query, kzrules.broker.replying;"
        "unwanted = ('twisted.internet.reactor', 'pika.adapters.twisted_connection');"
        "print([name for name in unwanted if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


def test_only_the_protocol_and_its_fallback_import_pika():
    from pathlib import Path

    import kzrules

    root = Path(kzrules.__file__).parent
    importing = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        for line in path.read_text().splitlines()
        if line.strip().startswith(("import pika", "from pika"))
    }
    assert importing == {"broker/amqp.py", "broker/amqp_stock.py"}
