from twisted.internet.task import Clock
from twisted.logger import Logger, LogLevel, formatEvent

from kzrules import notices
from kzrules.broker.pauses import Pauses
from kzrules.notices import Notices


def heard():
    lines, clock = [], Clock()
    return Notices(clock, Logger(observer=lambda event: lines.append(formatEvent(event)))), lines, clock


def test_one_subject_is_said_a_few_times_a_minute():
    there, lines, _ = heard()
    for _ in range(20):
        there.warn("same", "it failed")
    assert lines == ["it failed"] * 5


def test_the_next_minute_tells_how_much_was_left_out():
    there, lines, clock = heard()
    for _ in range(20):
        there.error("same", "it failed")
    clock.advance(notices.PERIOD)
    there.error("same", "it failed")
    assert lines[-1] == "it failed (15 more like it since the last line)"


def test_different_subjects_do_not_silence_each_other():
    there, lines, _ = heard()
    for number in range(10):
        there.info(number, f"line {number}", often=1)
    assert len(lines) == 10


def test_subjects_are_bounded():
    there, _, _ = heard()
    for number in range(notices.MOST_SUBJECTS * 2):
        there.info(number, "line")
    assert len(there._subjects) == notices.MOST_SUBJECTS


def test_a_line_keeps_its_braces_and_its_level():
    events = []
    Notices(Clock(), Logger(observer=events.append)).warn("s", "a {b} c")
    assert formatEvent(events[0]) == "a {b} c"
    assert events[0]["log_level"] is LogLevel.warn


def test_pauses_grow_to_the_longest_and_begin_anew():
    pauses = Pauses(0.2, 1.0, lambda: 0.5)
    assert [pauses.next() for _ in range(5)] == [0.2, 0.4, 0.8, 1.0, 1.0]
    pauses.begin_anew()
    assert pauses.next() == 0.2
