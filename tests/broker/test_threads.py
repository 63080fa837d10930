import threading

from kzrules.broker.threads import Threads
from tests.broker.hands import until


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
