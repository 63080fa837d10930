"""docs/migrating.md is whole and true: the module's names are on it, and what it shows checks."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from interop import differences

PAGE = (Path(__file__).parents[2] / "docs" / "migrating.md").read_text(encoding="utf-8")
KZRULES = str(Path(sys.executable).with_name("kzrules"))
FUNCTIONS = [
    *("kazoo_publish", "kazoo_query", "kazoo_async_query", "kazoo_subscribe", "kazoo_encode", "kazoo_json"),
    *("kazoo_json_keys", "kazoo_pua_publish"),
]
FIELDS = [
    *("exchange", "type", "queue", "routing", "no_ack", "federate", "event_key", "event_subkey"),
    *("consistent-worker", "consistent-worker-key", "wait_for_consumer_ack", "exchange-bindings"),
    *("exchange-def", "queue-def", "passive", "durable", "auto_delete", "internal", "exclusive"),
]


def section(title):
    return re.split(r"\n##+ ", PAGE.partition(f"### {title}\n")[2])[0]


def parameters():
    """All names in the first column of the parameters' table, abbreviations written out."""
    for row in re.findall(r"^\| (`.*?) \|", section("Parameters"), re.MULTILINE):
        last = ""
        for name in re.findall(r"`([a-z_]+)`", row):
            last = last.removesuffix("_sec") + name if name.startswith("_") else name
            yield last


def test_every_name_that_the_page_gives_the_module_is_a_parameter_of_it(real_kamailio):
    module = (real_kamailio.modules / "kazoo.so").read_bytes()
    late = {"amqp_timer_process_interval"}  # spelt otherwise in this version
    missing = [name for name in parameters() if name.encode() not in module and name not in late]
    assert missing == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_has_its_counterpart(name):
    assert f"`{name}" in section("Functions")


@pytest.mark.parametrize("name", FIELDS)
def test_each_field_of_a_subscription_has_its_counterpart(name):
    assert f"`{name}`" in section("Fields of `kazoo_subscribe`")


EVERY_FIELD = """
subscribe calls {
    exchange "calls" {
        type: topic, durable: true, auto_delete: true, internal: false, passive: false
        bindings: {
            "one": { "type": topic, "routing": ["a.#", "b.#"] },
            "two": { "type": fanout, "durable": true }
        }
    }
    queue "calls-{node}" { durable: true, auto_delete: true, exclusive: false, passive: false }
    routing: ["call.*", "other.#"]
    ack: immediate
    zones: all
    ordered_by: .Call-ID
    event_key: "Type"
    event_subkey: "Kind"
    json: lenient
}
subscribe short { exchange "nodes" { type: fanout } queue "" { } routing: "" }
subscribe asked { exchange "asked" { type: direct } queue "q" { durable: true, type: classic } routing: "me" }
"""


def test_a_rule_can_say_all_that_the_page_puts_beside_the_fields(tmp_path):
    (tmp_path / "every.kzr").write_text(EVERY_FIELD)
    checked = subprocess.run([KZRULES, "check", tmp_path], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
    said = set(re.findall(r"`(?:\w+ )?([a-z_]+):", section("Fields of `kazoo_subscribe`")))
    assert said - set(re.findall(r"([a-z_]+):", EVERY_FIELD)) == set()


@pytest.mark.parametrize("one", differences.ALL, ids=lambda one: one.name)
def test_each_difference_is_told(one):
    assert f"| {one.name} | {one.module} | {one.here} | {one.why} |" in PAGE


def test_what_the_page_shows_checks(tmp_path):
    shown = re.findall(r"^```kzr\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    for number, text in enumerate(shown):
        (tmp_path / f"{number}.kzr").write_text(text)
    checked = subprocess.run([KZRULES, "check", tmp_path], capture_output=True, text=True, check=False)
    assert (len(shown) > 0, 0) == (True, checked.returncode), checked.stdout


def test_the_converted_example_is_what_convert_gives(tmp_path):
    """The configuration, the rules and the summary stand behind each other on the page."""
    example = section_of("Converting a configuration")
    configuration, rules, told = re.findall(
        r"^```(?:kamailio|kzr|text)\n(.*?)^```", example, re.MULTILINE | re.DOTALL
    )
    (tmp_path / "parking.cfg").write_text(configuration)
    done = subprocess.run(
        [KZRULES, "convert", "parking.cfg", "-o", "rules/"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (told, "", 0) == (done.stdout, done.stderr, done.returncode)
    assert rules == (tmp_path / "rules" / "parking.kzr").read_text()


def section_of(title):
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
