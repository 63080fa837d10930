"""Rates: when what is offered goes out, and how the highest rate that is held is looked for."""

import itertools

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from bench import paced
from bench.bus import Bus
from bench.paced import COARSE, FINE, TICK, Paced


class Sent:
    """What is offered comes at once, so that what it took is how late it was offered."""

    def __init__(self, clock):
        self._clock = clock
        self.took = []

    def send(self, due):
        self.took += [self._clock.seconds() - one for one in due]


def offered(rate, seconds):
    clock = Clock()
    sent = Sent(clock)
    done = Deferred.fromCoroutine(paced.at_rate(Bus(clock, ""), sent, rate, seconds))
    while not done.called:
        clock.advance(TICK / 4)
    return sent.took, done.result


@pytest.mark.parametrize("rate", [100, 300, 2_000])
def test_each_event_goes_out_with_the_first_tick_after_its_time(rate):
    late, told = offered(rate, 0.5)
    assert (rate / 2, rate / 2) == (told.sent, told.came)
    assert min(late) > -1e-9
    assert max(late) <= TICK * 1.25 + 1e-9


def trials(most, flukes=()):
    """A measure that holds up to `most`, but for rates that fail once; what it was asked; what it settled."""
    asked, settled, left = [], [], list(flukes)

    async def measure(rate):
        asked.append(rate)
        held = rate <= most
        if rate in left:
            left.remove(rate)
            held = False
        return Paced(rate, 0.004, 0.01, 0.02, came=100 if held else 99, sent=100)

    async def settle():
        settled.append(asked[-1])

    return measure, settle, asked, settled


def test_the_fine_rates_are_no_further_apart_than_a_seventh():
    both = sorted({500, *FINE, *(rate for rate in COARSE if rate > 500)})
    assert all(after / before < 1.15 for before, after in itertools.pairwise(both))
    assert (500, 20_000) == (both[0], both[-1])


@pytest_twisted.ensureDeferred
async def test_the_highest_rate_is_looked_for_coarsely_then_finely_and_each_that_fails_is_tried_again():
    measure, settle, asked, settled = trials(2_600)
    found = await paced.highest(measure, settle)
    assert [100, 250, 500, 1_000, 1_500, 2_000, 3_000, 3_000, 2_250, 2_500, 2_800, 2_800] == asked
    assert [3_000, 3_000, 2_800, 2_800] == settled
    assert [one.rate for one in found if one.held][-1] == 2_500


@pytest_twisted.ensureDeferred
async def test_a_rate_that_fails_once_counts_as_held():
    measure, settle, asked, _ = trials(1_100, flukes=(500, 1_100))
    found = await paced.highest(measure, settle)
    assert [100, 250, 500, 500, 1_000, 1_500, 1_500, 1_100, 1_100, 1_250, 1_250] == asked
    assert [one.rate for one in found if one.held][-1] == 1_100


@pytest.mark.parametrize("most", [0, 100, 400, 500, 999, 1_000, 5_999, 17_000, 19_999, 20_000, 50_000])
@pytest_twisted.ensureDeferred
async def test_the_last_that_was_held_is_the_highest_of_all(most):
    measure, settle, _, _ = trials(most)
    held = [one.rate for one in await paced.highest(measure, settle) if one.held]
    expected = max((rate for rate in (*COARSE, *FINE) if rate <= most), default=None)
    assert expected == (held[-1] if held else None) == max(held, default=None)


class Refusing:
    """Answers nothing, and says no once a second, eight times."""

    took = ()

    def __init__(self, clock):
        self._clock = clock

    @property
    def heard(self):
        return min(8, int(self._clock.seconds()))


def test_it_is_not_quiet_while_something_is_still_refused():
    clock = Clock()
    done = Deferred.fromCoroutine(paced.quiet(Bus(clock, ""), Refusing(clock)))
    while not done.called:
        clock.advance(0.5)
    assert clock.seconds() > 8
