"""How lines look, and that the same one over and over is written once a second."""

import io
import json

from twisted.logger import LogLevel

from kzrules.logs import MOST_LINES, Repeats, _Writer, json_line, text_line


def event(text="broken", level=LogLevel.warn, **fields):
    return {
        "log_time": 1000.0,
        "log_level": level,
        "log_namespace": "kzrules.test",
        "log_format": "{what}",
        "what": text,
        **fields,
    }


def written(*turns, line=text_line):
    """What is written of (second, event) pairs."""
    out, now = io.StringIO(), [0.0]
    write = _Writer(out, line, lambda: now[0])
    for now[0], one in turns:
        write(one)
    return out.getvalue().splitlines()


def test_the_same_line_is_written_once_a_second_with_how_many_were_left_out():
    lines = written((0.0, event()), (0.1, event()), (0.2, event("other")), (0.3, event()), (1.5, event()))
    expected = ["broken", "other", "broken (2 times more since the last such line)"]
    assert expected == [line.split("  ", 1)[1] for line in lines]


def test_what_was_left_out_is_told_with_the_next_line_whatever_that_is():
    lines = written((0.0, event()), (0.1, event()), (5.0, event("other")))
    assert "broken (1 times more since the last such line)" in lines[1]
    assert lines[2].endswith("other")


def test_debug_lines_are_all_written():
    assert 3 == len(written(*((0.0, event(level=LogLevel.debug)) for _ in range(3))))


def test_different_lines_are_not_each_others_repeats_and_few_are_remembered():
    repeats = Repeats()
    many = 3 * MOST_LINES
    assert many == sum(len(repeats.take(event(str(n)), 0.0)) for n in range(many))
    assert MOST_LINES == len(repeats._lines)


def test_json_lines_have_stable_names_that_no_field_takes_the_place_of():
    line = json.loads(json_line({**event("said", route="r", place="r.kzr:3"), "text": "a field", "level": 1}))
    expected = {
        "time": "1970-01-01T00:16:40.000+00:00",
        "level": "warn",
        "source": "kzrules.test",
        "text": "said",
        "what": "said",
        "route": "r",
        "place": "r.kzr:3",
    }
    assert expected == line
