import threading
from collections import Counter, defaultdict, deque
from itertools import pairwise
from random import Random

import pytest
from twisted.internet.defer import Deferred

from kzrules.broker import workers as module
from kzrules.broker.workers import Workers, WorkersStopped
from kzrules.language.program import DedupePolicy, FailurePolicy
from kzrules.message.action import Answered, Publish, Query
from kzrules.message.outcome import Retry
from kzrules.routing.decide import Waiting
from tests.broker.hands import AtOnce, House, Reactor, done, ended, spec, until
from tests.broker.test_threads import no_more_than


class FromThreads(Reactor):
    """A clock whose calls from threads wait in a list until the test's thread takes them."""

    def __init__(self):
        super().__init__()
        self.from_threads = deque()
        self.woken = 0

    def callFromThread(self, call, *args):
        self.woken += 1
        self.from_threads.append((call, args))

    def take(self):
        taken = 0
        while self.from_threads:
            call, args = self.from_threads.popleft()
            call(*args)
            taken += 1
        self.advance(0)
        return taken > 0


def took(clock):
    """Let the clock's thread do what it was asked for."""
    clock.take()
    return True


def at_once():
    clock = Reactor()
    pool = Workers(2, clock, AtOnce())
    pool.start()
    return pool, clock


def test_what_work_gives_comes_back_in_lists():
    pool, clock = at_once()
    came = []
    pool.submit(lambda: range(3), came.append)
    assert came == []
    clock.advance(0)
    assert came == [[0, 1, 2]]
    assert pool.in_hand == 0


def test_much_comes_back_in_pieces():
    pool, clock = at_once()
    came = []
    pool.submit(lambda: range(module.AT_ONCE * 2 + 1), came.append)
    clock.advance(0)
    assert [len(piece) for piece in came] == [module.AT_ONCE, module.AT_ONCE, 1]


def test_the_reactor_is_woken_once_for_many_results():
    clock = FromThreads()
    pool = Workers(1, clock, AtOnce())
    for _ in range(10):
        pool.submit(lambda: [1], lambda _: None)
    assert clock.woken == 1
    clock.take()
    pool.submit(lambda: [1], lambda _: None)
    assert clock.woken == 2


def test_taking_results_lets_the_reactor_go_between():
    clock = FromThreads()
    pool = Workers(1, clock, AtOnce())
    came = []

    def slow(results):
        came.append(results)
        clock.rightNow += module.SLICE

    for _ in range(3):
        pool.submit(lambda: [1], slow)
    clock.from_threads.pop()[0]()
    assert len(came) == 1
    clock.advance(0)
    assert len(came) == 3


def test_work_that_raises_is_logged_and_counted_and_the_rest_goes_on(logged_errors):
    pool, clock = at_once()

    def broken():
        yield 1
        raise ZeroDivisionError

    came = []
    pool.submit(broken, came.append)
    pool.submit(lambda: [2], came.append)
    clock.advance(0)
    assert came == [[1], [2]]
    assert pool.broken == 1
    assert len(logged_errors.flush()) == 1


class Panic(BaseException):
    """What a panic of a library in Rust is in Python: no Exception."""


def panic():
    raise Panic


def test_a_panic_is_logged_and_counted_and_its_thread_takes_what_comes_later(logged_errors):
    clock = FromThreads()
    pool = Workers(1, clock)
    pool.start()
    came = []
    for work in (panic, lambda: [2]):
        pool.submit(work, came.append)
        until(lambda: took(clock) and pool.in_hand == 0)
    assert came == [[], [2]]
    assert pool.broken == 1
    assert len(logged_errors.flush()) == 1
    assert ended_well(pool, clock) is True


def test_whoever_waits_for_a_call_gets_its_panic():
    pool, clock = at_once()
    failed = pool.run(panic)
    clock.advance(0)
    failed.addErrback(lambda failure: failure.trap(Panic))
    assert failed.result is Panic


def test_one_call_gives_a_deferred():
    pool, clock = at_once()
    seven = pool.run(int, "7")
    failed = pool.run(int, "x")
    clock.advance(0)
    assert seven.result == 7
    failed.addErrback(lambda failure: failure.trap(ValueError))
    assert failed.result is ValueError


def test_stopping_waits_for_what_is_in_hand():
    clock = FromThreads()
    pool = Workers(1, clock, AtOnce())
    pool.submit(lambda: [1], lambda _: None)
    stopped = pool.stop(5)
    assert not stopped.called
    clock.take()
    assert stopped.result is True
    with pytest.raises(WorkersStopped):
        pool.submit(lambda: [1], lambda _: None)


def test_a_thread_that_hangs_does_not_hold_the_end_up():
    clock = FromThreads()
    pool = Workers(1, clock)
    pool.start()
    hangs = threading.Event()
    pool.submit(lambda: [hangs.wait(30)], lambda _: None)
    stopped = pool.stop(5)
    clock.advance(4)
    assert not stopped.called
    clock.advance(2)
    assert stopped.result is False
    hangs.set()


class Gated:
    """Work that waits for its gate."""

    def __init__(self, pool):
        self.gate, self.began = threading.Event(), threading.Event()
        pool.submit(self, lambda _: None)

    def __call__(self):
        self.began.set()
        return [self.gate.wait(30)]


def ended_well(pool, clock):
    stopped = pool.stop(5)
    until(lambda: took(clock) and stopped.called)
    return stopped.result


def test_another_thread_is_woken_where_the_first_is_held_up():
    clock = FromThreads()
    pool = Workers(3, clock)
    slow = Gated(pool)
    assert slow.began.wait(10)
    behind = [Gated(pool) for _ in range(3)]
    clock.take()
    assert [False, False, False] == [one.began.is_set() for one in behind]
    clock.advance(module.WAKE_AFTER)
    assert behind[0].began.wait(10)
    assert not behind[1].began.is_set()
    clock.advance(module.WAKE_AFTER)  # that one has taken what it was woken for, and is held up too
    assert behind[1].began.wait(10)
    clock.advance(4 * module.WAKE_AFTER)  # no thread is left
    assert not behind[2].began.is_set()
    for one in (slow, *behind):
        one.gate.set()
    assert ended_well(pool, clock) is True
    assert clock.getDelayedCalls() == []


def test_one_thread_that_comes_back_for_more_stays_alone():
    clock = FromThreads()
    pool = Workers(3, clock)
    pieces = [Gated(pool) for _ in range(5)]
    for one, following in pairwise(pieces):
        one.gate.set()
        assert following.began.wait(10)
        clock.take()
        clock.advance(module.WAKE_AFTER)
    pieces[-1].gate.set()
    assert len(pool._pool._threads) == 1
    assert ended_well(pool, clock) is True


class Kept:
    """A pool whose calls wait until the test has a thread run one."""

    def __init__(self):
        self.calls = deque()

    def callInThread(self, call):
        self.calls.append(call)

    def run(self):
        thread = threading.Thread(target=self.calls.popleft())
        thread.start()
        thread.join()


def quick():
    return [1]


def held_up(after, meanwhile):
    """`meanwhile` happens while the one busy thread of three has been at its work for `after` seconds."""
    clock, kept = FromThreads(), Kept()
    pool = Workers(3, clock, kept)

    def slow():
        clock.rightNow += after
        meanwhile(pool, kept, clock)
        return []

    pool.submit(slow, lambda _: None)
    kept.calls.popleft()()


def test_each_piece_that_comes_while_all_threads_are_held_up_wakes_another_at_once():
    woken = []

    def meanwhile(pool, kept, clock):
        for _ in range(3):
            pool.submit(quick, lambda _: None)
            woken.append(len(kept.calls))
            kept.run()

    held_up(module.WAKE_AFTER, meanwhile)
    assert woken == [1, 1, 1]


def test_what_comes_before_a_woken_thread_has_taken_anything_wakes_no_more():
    woken = []

    def meanwhile(pool, kept, clock):
        for _ in range(3):
            pool.submit(quick, lambda _: None)
            clock.rightNow += module.WAKE_AFTER
        woken.append(len(kept.calls))

    held_up(module.WAKE_AFTER, meanwhile)
    assert woken == [1]


def test_no_other_is_woken_at_once_where_a_thread_took_something_just_now():
    woken = []

    def meanwhile(pool, kept, clock):
        pool.submit(quick, lambda _: None)
        woken.append(len(kept.calls))

    held_up(module.WAKE_AFTER / 2, meanwhile)
    assert woken == [0]


def test_a_thread_that_ends_in_an_error_is_busy_no_more():
    clock, kept = FromThreads(), Kept()
    pool = Workers(1, clock, kept)
    pool.submit(quick, lambda _: None)
    clock.callFromThread = panic  # with an argument too many: what it raises does not matter
    with pytest.raises(TypeError):
        kept.calls.popleft()()
    pool.submit(quick, lambda _: None)
    assert len(kept.calls) == 1


def test_what_waits_is_run_though_no_other_thread_can_be_started(monkeypatch):
    clock = FromThreads()
    pool = Workers(3, clock)
    no_more_than(monkeypatch, 1)
    pool.start()
    slow = Gated(pool)
    assert slow.began.wait(10)
    behind = [Gated(pool) for _ in range(3)]
    clock.take()
    clock.advance(module.WAKE_AFTER)
    for one in (slow, *behind):
        one.gate.set()
    until(lambda: took(clock) and pool.in_hand == 0)
    after = Gated(pool)
    after.gate.set()
    assert after.began.wait(10)
    assert ended_well(pool, clock) is True


def test_nobody_looks_any_more_once_it_is_stopped():
    clock = FromThreads()
    pool = Workers(2, clock)
    slow, _ = Gated(pool), Gated(pool)
    clock.take()
    stopped = pool.stop(module.WAKE_AFTER / 2)
    clock.advance(module.WAKE_AFTER / 2)
    assert stopped.result is False
    assert clock.getDelayedCalls() == []
    slow.gate.set()


def real(rule, size=4, **changes):
    clock = FromThreads()
    it = House(rule, spec(**changes), workers=size, clock=clock)
    it.workers = it.consumer._workers = Workers(size, clock)
    it.workers.start()
    it.connect()
    return it, clock


def stop(it, clock):
    stopped = it.workers.stop(5)
    until(lambda: took(clock) and stopped.called)
    assert stopped.result is True


def test_two_thousand_queries_wait_on_four_threads():
    def rule(payload, event):
        return Waiting(Query("e", "k", b"", "q", 1.0), (), (), lambda answer, now: done(), "r")

    it, clock = real(rule, prefetch=2_000)
    asked = []

    def ask(query):
        asked.append(Deferred())
        return asked[-1]

    it.asking = ask
    it.channel.deliver(*[{}] * 2_000)
    until(lambda: took(clock) and len(asked) == 2_000)
    assert it.consumer.waiting == 2_000
    assert len(it.workers._pool._threads) <= 4
    for answer in asked:
        answer.callback(Answered({}))
    until(lambda: took(clock) and it.count.acknowledged == 2_000)
    stop(it, clock)


class Mixed:
    """Rules that query, publish, retry and fail to publish, with what ran when."""

    def __init__(self):
        self.ran = defaultdict(list)
        self.running = Counter()
        self.overlaps = 0
        self.lock = threading.Lock()

    def __call__(self, payload, event):
        key, number = payload["k"], payload["n"]
        with self.lock:
            self.running[key] += 1
            self.overlaps += self.running[key] > 1
        if number % 7 == 0:
            query = Query("e", "k", b"", "q", 1.0)
            return Waiting(query, (), (), lambda answer, now: self.through(key, number, event), "r")
        return self.through(key, number, event)

    def through(self, key, number, event):
        with self.lock:
            self.running[key] -= 1
            if number % 11 == 0 and event.attempt == 1:
                return ended(Retry("not yet"))
            self.ran[key].append(number)
        return done(Publish("out", "k", b"", f"{number}")) if number % 3 == 0 else done()


def drive(it, clock, rand, total):
    """Everything that waits outside comes at a time and in an order of its own."""
    pending = []

    def later(result):
        def make(_):
            pending.append((Deferred(), result))
            return pending[-1][0]

        return make

    it.asking, it.publishing, it.sending = later(Answered({})), later(None), later(None)

    def step():
        busy = clock.take()
        rand.shuffle(pending)
        for _ in range(rand.randrange(1, 50)):
            if pending:
                waiting, result = pending.pop()
                waiting.callback(result)
        clock.advance(0.1)
        return it.count.settled == total and not busy

    return step


@pytest.mark.parametrize("deduped", [False, True])
def test_ten_thousand_events_of_a_hundred_keys_each_run_once_and_in_order(deduped):
    mixed, rand, total = Mixed(), Random(5), 10_000
    it, clock = real(
        mixed,
        size=8,
        ordered=True,
        prefetch=0,
        dedupe=DedupePolicy(600.0) if deduped else None,
        on_failure=FailurePolicy(9, 0.1, 0.1, "drop"),
    )
    step = drive(it, clock, rand, total)
    numbers = list(range(total))
    position = 0
    while position < total:
        size = rand.randrange(1, 200)
        chunk = numbers[position : position + size]
        it.channel.deliver(*[{"k": n % 100, "n": n, "id": n} for n in chunk])
        position += size
        until(lambda: step() or it.consumer.in_hand < 200)
    until(step)
    assert mixed.overlaps == 0
    assert {key: sorted(ran) for key, ran in mixed.ran.items()} == dict(mixed.ran)
    assert sum(map(len, mixed.ran.values())) == total
    assert it.count.acknowledged == total
    assert it.consumer.in_hand == 0
    settled = [what[1] for what in it.settled() if what[2]]
    assert settled == sorted(set(settled))
    stop(it, clock)
