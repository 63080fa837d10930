from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from kzrules.broker.lanes import Lanes
from kzrules.language.program import DedupePolicy


@dataclass(eq=False)
class Item:
    number: int
    order_key: str | None = None
    dedupe_key: str | None = None
    exempt: bool = False


def lanes(dedupe=None):
    return Lanes(dedupe, lambda: 0.0)


def test_events_of_one_key_run_one_at_a_time_and_others_at_once():
    first, second, other = Item(1, "a"), Item(2, "a"), Item(3, "b")
    there = lanes()
    assert there.admit([first, second, other]).run == [first, other]
    assert there.end(first, settled=True).run == [second]
    assert there.end(second, settled=True).run == []
    assert there.waiting == 0


def test_an_event_without_a_key_waits_for_nobody():
    items = [Item(1), Item(2)]
    assert lanes().admit(items).run == items


def test_held_counts_the_event_and_those_behind_it():
    items = [Item(n, "a") for n in range(3)]
    there = lanes()
    there.admit(items)
    there.hold(items[0])
    assert there.held == 3
    there.admit([Item(9, "a"), Item(10, "b")])
    assert there.held == 4
    there.resume(items[0])
    assert there.held == 0


def test_leaving_takes_everything_that_waits_behind_along_with_copies():
    first, second, copy = Item(1, "a", "x"), Item(2, "a", "y"), Item(3, "a", "y")
    there = lanes(DedupePolicy(60.0))
    there.admit([first, second, copy])
    assert there.leave(first) == [second, copy]
    again = Item(4, "a", "y")
    assert there.admit([again]).run == [again]


EVENTS = st.lists(
    st.tuples(st.sampled_from([None, "a", "b", "c"]), st.sampled_from([None, None, "x", "y"])), max_size=40
)


@given(EVENTS, st.lists(st.integers(1, 7), min_size=1), st.randoms(use_true_random=False), st.booleans())
def test_however_they_end_each_runs_or_is_a_duplicate_once_and_keys_keep_their_order(
    events, sizes, rand, deduped
):
    items = [Item(n, order, dup) for n, (order, dup) in enumerate(events)]
    there = lanes(DedupePolicy(60.0) if deduped else None)
    running, ran, dropped = [], [], []

    def follow(follows):
        for item in follows.run:
            assert item.order_key is None or all(item.order_key != one.order_key for one in running)
            running.append(item)
            ran.append(item)
        dropped.extend(follows.duplicates)

    waiting = list(items)
    while waiting or running:
        if waiting and (not running or rand.random() < 0.5):
            size = sizes[len(waiting) % len(sizes)]
            follow(there.admit(waiting[:size]))
            del waiting[:size]
        else:
            item = running.pop(rand.randrange(len(running)))
            if rand.random() < 0.2:
                there.hold(item)
            follow(there.end(item, settled=rand.random() < 0.8))
    assert sorted(one.number for one in ran + dropped) == list(range(len(items)))
    assert there.waiting == 0
    assert there.held == 0
    for key in "abc":
        numbers = [
            one.number for one in ran if one.order_key == key and (one.dedupe_key is None or not deduped)
        ]
        assert numbers == sorted(numbers)
    if not deduped:
        assert dropped == []
