import threading

import pytest
from twisted.logger import capturedLogs

from kzrules.broker.threads import Threads, _Served
from tests.broker.hands import until


def no_more_than(monkeypatch, count):
    """The system starts `count` threads for the pool and refuses every other one."""
    started = []

    def start(thread):
        if len(started) >= count:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        threading.Thread.start(thread)

    monkeypatch.setattr(_Served, "start", start)


def test_calls_run_in_their_order_on_one_thread():
    threads, ran = Threads(1, "t"), []
    threads.start()
    for number in range(100):
        threads.callInThread(lambda number=number: ran.append((number, threading.current_thread().name)))
    threads.stop()
    assert [(number, "t-0") for number in range(100)] == ran


def test_threads_are_made_as_they_are_needed_and_no_more_than_allowed():
    threads, gate, names = Threads(2, "t"), threading.Event(), set()

    def wait():
        names.add(threading.current_thread().name)
        gate.wait(10)

    threads.callInThread(wait)
    until(lambda: names == {"t-0"})
    for _ in range(3):
        threads.callInThread(wait)
    until(lambda: names == {"t-0", "t-1"})
    gate.set()
    threads.stop()
    assert {"t-0", "t-1"} == names


def test_an_idle_thread_serves_the_next_call():
    threads, names = Threads(4, "t"), []
    for count in range(1, 4):
        threads.callInThread(lambda: names.append(threading.current_thread().name))
        until(lambda count=count: len(names) == count and threads._idle)
    threads.stop()
    assert ["t-0"] * 3 == names


def test_a_thread_that_hangs_does_not_keep_the_process_from_ending():
    threads, hanging = Threads(1, "t"), []
    gate = threading.Event()
    threads.callInThread(lambda: (hanging.append(threading.current_thread().daemon), gate.wait(10)))
    until(lambda: hanging)
    assert hanging == [True]
    gate.set()
    threads.stop()


def test_the_thread_that_was_idle_last_is_taken():
    threads, gates, names = Threads(2, "t"), [threading.Event() for _ in range(2)], []
    for gate in gates:
        threads.callInThread(lambda gate=gate: gate.wait(10))
    for gate in gates:
        gate.set()
        until(lambda gate=gate: len(threads._idle) == 1 + gates.index(gate))
    for count in range(1, 4):
        threads.callInThread(lambda: names.append(threading.current_thread().name))
        until(lambda count=count: len(names) == count and len(threads._idle) == 2)
    threads.stop()
    assert ["t-1"] * 3 == names


def test_what_waits_is_run_before_the_threads_end():
    threads, gate, ran = Threads(1, "t"), threading.Event(), []
    threads.callInThread(lambda: gate.wait(10))
    for number in range(3):
        threads.callInThread(lambda number=number: ran.append(number))
    gate.set()
    threads.stop()
    assert ran == [0, 1, 2]


def test_all_threads_are_made_at_the_start():
    threads = Threads(3, "t")
    threads.start()
    assert len(threads._idle) == 3
    threads.stop()


def test_what_no_thread_can_be_started_for_is_run_by_those_there_are(monkeypatch):
    no_more_than(monkeypatch, 1)
    threads, gate, names = Threads(3, "t"), threading.Event(), []
    with capturedLogs() as logged:
        threads.start()
        threads.callInThread(lambda: gate.wait(10))
        for _ in range(3):
            threads.callInThread(lambda: names.append(threading.current_thread().name))
    gate.set()
    threads.stop()
    assert ["t-0"] * 3 == names
    assert [1] == [line["count"] for line in logged]


def test_a_thread_that_could_not_be_started_is_tried_again_when_it_is_needed(monkeypatch):
    threads, gate, ran = Threads(2, "t"), threading.Event(), threading.Event()
    with monkeypatch.context() as full:
        no_more_than(full, 1)
        threads.start()
    threads.callInThread(lambda: gate.wait(10))
    threads.callInThread(ran.set)
    assert ran.wait(10)
    gate.set()
    threads.stop()


def test_there_is_no_start_without_a_single_thread(monkeypatch):
    no_more_than(monkeypatch, 0)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        Threads(2, "t").start()


@pytest.mark.parametrize("error", [ValueError, SystemExit, BaseException])
def test_a_thread_outlives_a_call_that_raises(error, logged_errors):
    threads, names = Threads(1, "t"), []

    def broken():
        raise error

    threads.start()
    threads.callInThread(broken)
    threads.callInThread(lambda: names.append(threading.current_thread().name))
    threads.stop()
    assert names == ["t-0"]
    assert len(logged_errors.flush()) == 1
