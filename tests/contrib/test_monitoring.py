"""The dashboard and the alerts speak of metrics that are there; promtool proves when alerts are heard."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from kzrules.broker.counters import Counters
from kzrules.operate import metrics
from kzrules.operate import status as shown
from kzrules.operate.timing import Timing
from testbed import NoBroker, promtool
from testbed.broker import say_on_stderr

CONTRIB = Path(__file__).parents[2] / "contrib"
ALERTS = CONTRIB / "prometheus" / "alerts.yml"
TESTS = CONTRIB / "prometheus" / "alerts.test.yml"
DASHBOARD = CONTRIB / "grafana" / "kzrules.json"
NAME = re.compile(r"\bkzrules_\w+")


def full_status():
    """One of everything that can be there."""
    subscription = shown.Subscription(
        "s", "z", "q", True, True, False, 0, 0, 0, 0.0, 1.0, None, None, Counters()
    )
    return shown.Status(
        at=1.0,
        process=shown.Process(1, "node", "0.1", 1.0, 4, 0, 0, 0.0, 1, "info"),
        draining=False,
        connections=(shown.Connection("consume", "z", "ready", "b:5672", 1.0, 0, None, None),),
        subscriptions=(subscription,),
        publishing=(shown.Publishing("z", True, True, 0, 1, 0, 0, 0, 0, None),),
        asking=shown.Asking(True, 0, 0, 0, 0, 0, 0),
        rules=shown.Rules(1, 1.0, (), 1, 0, (), None, None, shown.Reloads(1, 0, 1.0, 0.1)),
        routes=(shown.Route("r", None, 1, 0, 1.0),),
        failures=(),
        tables=(shown.Remembered("t", 1, 2, None, 0),),
        blocks=shown.Blocks(0, 0, 0),
    )


def exported():
    """The names of all series."""
    timing = Timing()
    timing.routes["r"] = timing.queries
    page = metrics.text(full_status, timing).decode()
    return {line.partition("{")[0].partition(" ")[0] for line in page.splitlines() if line[:1] != "#"}


@pytest.mark.parametrize("file", [ALERTS, TESTS, DASHBOARD], ids=lambda file: file.name)
def test_every_metric_that_is_named_is_exported(file):
    named = set(NAME.findall(file.read_text()))
    assert len(named) > 10
    assert set() == named - exported()


def test_the_dashboard_shows_nearly_all_that_is_exported():
    shown_nowhere = exported() - set(NAME.findall(DASHBOARD.read_text() + ALERTS.read_text()))
    assert {
        name
        for name in shown_nowhere
        if not name.endswith(("_created", "_sum", "_count"))
        and not re.search(r"seconds$|generation|draining", name)
    } == set()


def test_no_panel_of_the_dashboard_lies_on_another():
    panels = json.loads(DASHBOARD.read_text())["panels"]
    taken = [
        (place["x"] + x, place["y"] + y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["w"])
        for y in range(place["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24
    assert len(panels) == len({panel["id"] for panel in panels})


@pytest.fixture(scope="module")
def run_promtool():
    """Run promtool; without it, what needs it is skipped with a sentence."""
    try:
        found = promtool.find(say_on_stderr)
    except NoBroker as error:
        pytest.skip(str(error))
    if found is None:
        pytest.skip("There is no promtool here, and no apt to have it from: the alerts are not tested.")

    def run(*words):
        return subprocess.run(
            [found.program, *words], capture_output=True, text=True, env=found.environment(), check=False
        )

    return run


def test_each_alert_is_heard_and_silent_when_it_should_be(run_promtool):
    done = run_promtool("test", "rules", str(TESTS))
    assert (0, True) == (done.returncode, "SUCCESS" in done.stdout), done.stdout + done.stderr
    alerts = re.findall(r"alert: (\w+)", ALERTS.read_text())
    tested = TESTS.read_text()
    assert [] == [
        name for name in alerts if f"{name} is heard" not in tested or f"{name} is silent" not in tested
    ]


def test_promtool_finds_nothing_wrong_with_the_alerts_and_the_queries_of_the_dashboard(
    run_promtool, tmp_path
):
    done = run_promtool("check", "rules", str(ALERTS))
    assert 0 == done.returncode, done.stdout + done.stderr
    panels = json.loads(DASHBOARD.read_text())["panels"]
    queries = [target["expr"] for panel in panels for target in panel.get("targets", [])]
    plain = [query.replace("$__rate_interval", "5m").replace("$instance", ".*") for query in queries]
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(plain)]
    made = tmp_path / "queries.yml"
    made.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = run_promtool("check", "rules", "--lint=none", str(made))
    assert 0 == done.returncode, done.stdout + done.stderr
