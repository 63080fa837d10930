"""What an experiment counts: lost, sent twice, handled twice, and what its own publisher doubled."""

import re

from chaos.__main__ import told
from chaos.mixed import grown
from chaos.party import Output
from chaos.result import Result, out_of_order, tally
from chaos.trial import Sample


def output(number, run="a", *, at=0, again=False):
    return Output(number, at, run, again)


def test_what_neither_lies_in_the_outputs_nor_among_the_dead_is_lost():
    count = tally(4, [output(0), output(1)], [2])
    assert (count.handled, count.lost) == (2, 1)


def test_one_run_whose_message_came_twice_is_told_from_an_event_handled_twice():
    count = tally(2, [output(0), output(0), output(1), output(1, "b", again=True)], [])
    assert (count.resent, count.again, count.duplicated) == (1, 1, 2)


def test_what_the_publisher_of_events_sent_twice_is_not_ours():
    assert tally(1, [output(0), output(0, "b")], []).duplicated == 0


def test_a_letter_and_an_output_of_one_event_hide_no_loss_of_another():
    assert tally(2, [output(0)], [0]).lost == 1


def test_the_gap_is_the_longest_time_between_two_outputs():
    assert tally(3, [output(0, at=1000), output(1, at=1200), output(2, at=3700)], []).gap == 2.5


def test_a_first_time_behind_a_later_one_of_its_key_is_out_of_order_and_a_repetition_is_not():
    assert out_of_order([output(0), output(2), output(1), output(0)], 2) == 0
    assert out_of_order([output(2), output(0)], 2) == 1


def test_a_result_says_which_promise_was_not_kept():
    count = tally(3, [output(0, at=0), output(1, at=5000)], [])
    result = Result("n", 3, count, 1, 50.0, gap_limit=2.0)
    assert result.missed == ["1 lost", "a gap of 5.0 s, more than 2.0 s"]


def test_memory_descriptors_and_threads_that_grow_are_told():
    flat = [Sample(at, 60.0, 20, 9) for at in range(20)]
    assert grown(flat, 2, 4) == []
    larger = [*flat[:10], *(Sample(at, 90.0, 30, 9) for at in range(10, 20))]
    assert grown(larger, 2, 4) == ["memory grew from 60 to 90 MB", "descriptors grew from 20 to 30"]


def test_the_command_ends_with_the_table_and_with_1_where_something_was_lost(capsys):
    good = Result("good", 1, tally(1, [output(0)], []), 1, 50.0)
    bad = Result("bad", 2, tally(2, [output(0)], []), 1, 50.0)
    assert told([good], "after_processing") == 0
    assert told([good, bad], "after_processing") == 1
    assert told([bad], "immediate") == 0, "which promises nothing"
    said = capsys.readouterr().out
    assert re.search(r"\| bad +\| +2 \| +1 \| +1 \| +1 \|", said)
    assert "2 experiments, lost=1, 1 missed a target" in said
