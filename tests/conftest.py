"""Shared by all tests: one private RabbitMQ node a session, a virtual host a test, and Twisted's tidiness."""

import atexit
import gc
import itertools
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from twisted.internet import reactor
from twisted.logger import LogLevel, formatEvent, globalLogPublisher
from twisted.python import failure

from testbed import NoBroker, Node, NoKamailio, private_broker, telephony
from testbed.broker import say_on_stderr
from testbed.telephony import Telephony

_numbers = itertools.count(1)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End, even when a test that failed has left threads running: the interpreter would wait for them."""
    left = [thread.name for thread in threading.enumerate() if _keeps_alive(thread)]
    if left:
        sys.stderr.write(f"threads were left running: {', '.join(sorted(left)[:10])}\n")
        sys.stderr.flush()
        sys.stdout.flush()
        atexit._run_exitfuncs()
        os._exit(1)


def _keeps_alive(thread: threading.Thread) -> bool:
    # The reactor's own pool ends with the reactor, which pytest-twisted stops after us.
    return thread is not threading.main_thread() and not thread.daemon and "reactor" not in thread.name


@pytest.fixture(scope="session")
def rabbit() -> Iterator[Node]:
    """One private node for the whole session, started when the first test asks for it."""
    try:
        node = private_broker()
    except NoBroker as error:
        pytest.fail(str(error), pytrace=False)
    yield node
    node.destroy()


@pytest.fixture(scope="session")
def real_kamailio() -> Telephony:
    """Kamailio's programs; without them, what needs them is skipped with a sentence that says so."""
    try:
        return telephony.find(say_on_stderr)
    except NoKamailio as error:
        pytest.skip(str(error))


@pytest.fixture
def vhost(rabbit: Node) -> Iterator[str]:
    """A virtual host of the test's own: its queues and exchanges go when the test has ended."""
    name = f"test-{next(_numbers)}"
    rabbit.add_vhost(name)
    yield name
    rabbit.delete_vhost(name)


@pytest.fixture
def broker_url(rabbit: Node, vhost: str) -> str:
    """The URL of that virtual host."""
    return rabbit.url_of(vhost)


@pytest.fixture
def wait_until() -> Callable[..., None]:
    """Wait for a condition of another process, with a deadline; not for use on the reactor."""

    def wait(condition: Callable[[], object], seconds: float = 15.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "the condition did not come true in time"
            time.sleep(0.02)

    return wait


@dataclass
class LoggedErrors:
    """What was logged as critical, or as a failure, during a test."""

    events: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, event: dict[str, Any]) -> None:
        if event.get("log_level") is LogLevel.critical:
            self.events.append(event)

    def flush(self) -> list[dict[str, Any]]:
        """Give what was logged, and forget it: a test that expects it says so by this call."""
        gc.collect()
        flushed, self.events = self.events, []
        return flushed


@pytest.fixture(autouse=True)
def logged_errors() -> Iterator[LoggedErrors]:
    """Fail a test that logs something critical, leaves a Deferred's failure unseen, or a call waiting."""
    failures, calls = failure.count, set(reactor.getDelayedCalls())
    logged = LoggedErrors()
    globalLogPublisher.addObserver(logged)
    yield logged
    if failure.count != failures:
        gc.collect()  # an unhandled failure is only told when its Deferred is collected
    globalLogPublisher.removeObserver(logged)
    left = [call for call in reactor.getDelayedCalls() if call not in calls]
    for call in left:
        call.cancel()
    problems = [_text(event) for event in logged.events] + [f"still waiting: {call}" for call in left]
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


def _text(event: dict[str, Any]) -> str:
    trouble = event.get("log_failure")
    return f"{formatEvent(event)}\n{trouble.getTraceback() if trouble else ''}"
