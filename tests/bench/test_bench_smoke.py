"""The measurements in their smallest form: they run, against a real broker, and say what they found."""

import pytest_twisted
from twisted.internet import reactor

from bench.__main__ import arguments, measure
from bench.page import filled
from bench.profile import table
from bench.results import Experiment, read


def test_a_table_gives_the_ratio_to_the_first_row_of_its_group_and_the_spread():
    experiment = Experiment("x", "a title", "events a second")
    for value in (90.0, 100.0, 120.0):
        experiment.add("g", "first", value)
    experiment.add("g", "second", 150.0, us=7.0)
    experiment.leave_out("g", "third", "it is not here")
    assert experiment.table().splitlines() == [
        "a title (events a second, more is better)",
        "  g",
        "      1.00x       100         90 to 120       first",
        "      1.50x       150        150 to 150       second  us 7",
        "            third: left out, it is not here",
    ]


def test_rounds_are_added_to_the_results_that_are_there(tmp_path):
    first = Experiment("x", "a title", "events a second")
    first.add("g", "one", 1.0)
    first.write(tmp_path)
    again = read(tmp_path, "x")
    again.add("g", "one", 2.0)
    assert [1.0, 2.0] == again.rows[0].values


@pytest_twisted.ensureDeferred
async def test_each_way_of_measuring_comes_to_a_figure(broker_url, tmp_path):
    asked = arguments(
        [
            *("settle-250", "forward", "waiting", "publish", "--who", "kzrules, 1 worker"),
            *("--scale", "0.05", "--rounds", "1", "--results", str(tmp_path)),
        ]
    )
    said = []
    done = await measure(reactor, asked, broker_url, lambda text, **_: said.append(text))
    figures = {row.who: row.middle for experiment in done[:2] for row in experiment.rows if row.values}
    assert {"kzrules, 1 worker"} == set(figures)
    assert all(figure > 100 for figure in figures.values())
    assert all(read(tmp_path, name) for name in ("forward", "publish", "settle-250", "waiting"))
    assert len(said) == 4


def test_the_page_shows_the_tables_of_the_results_that_are_there(tmp_path):
    experiment = Experiment("x", "a title", "events a second")
    experiment.add("g", "first", 1_000.0)
    experiment.add("g", "second", 1_500.0, us=7.0)
    experiment.leave_out("g", "third", "it is not here")
    experiment.write(tmp_path)
    page = "# Page\n<!-- table x -->\nold\n<!-- end -->\n<!-- table y -->\nkept\n<!-- end -->\n"
    assert filled(page, tmp_path).splitlines() == [
        "# Page",
        "<!-- table x -->",
        "| | ratio | median | from | to | rounds | further |",
        "|---|---:|---:|---:|---:|---:|---|",
        "| **g** | | | | | | |",
        "| first | 1.00 | 1,000 | 1,000 | 1,000 | 1 |  |",
        "| second | 1.50 | 1,500 | 1,500 | 1,500 | 1 | us 7 |",
        "| third | left out: it is not here | | | | | |",
        "<!-- end -->",
        "<!-- table y -->",
        "kept",
        "<!-- end -->",
    ]


def test_a_profile_says_which_functions_held_the_interpreter_by_themselves():
    assert ["75.0 %  b", "25.0 %  a"] == [line.strip() for line in table("a 1\na;b 3\n").splitlines()]
