"""A program that was loaded before is known by all that it was made from, and by nothing less."""

import json

import pytest

from kzrules.language.parse import parse
from kzrules.message.identity import Identity
from kzrules.routing import known, load
from kzrules.words import WORDS

RULES = """\
setting limit = 5

subscribe all {
    exchange "e" { type: topic }
    queue "q" { durable: true }
    routing: "#"
}

table seen { ttl: 1h }

route lamp(realm) {
    publish("out", key("lamp", realm), { "Limit": limit })
}

every 30s {
    info("tick")
}

on expired seen(user, state) {
    info("{user} was {state}")
}

event_route[kazoo:consumer-event] schema "shape.json" when .State == "early" {
    let unused = 1
    after 5s as later {
        info("late")
    }
    lamp(.Realm ?? "none")
}

event_route[kazoo:consumer-event] {
    seen[.User ?? "x"] = .State
}
"""
SCHEMA = {"type": "object", "properties": {"State": {"enum": ["early", "late"]}, "Realm": {"type": "string"}}}


@pytest.fixture
def rules(tmp_path, monkeypatch):
    monkeypatch.delenv("KZRULES_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "a.kzr").write_text(RULES)
    (folder / "shape.json").write_text(json.dumps(SCHEMA))
    return folder


@pytest.fixture
def worked(monkeypatch):
    """Each time that a program was checked and compiled."""
    times, anew = [], load._anew
    monkeypatch.setattr(load, "_anew", lambda *a, **k: (times.append(1), anew(*a, **k))[1])
    return times


def loaded(folder, *, overrides=None, **more):
    return load.load([folder], overrides or {}, "host", Identity("host", "kzrules", "1", "x"), **more)


def codes(of):
    routes = [code for codes in of.program.routes.values() for code in codes]
    blocks = [*of.program.timers.values(), *(block for each in of.program.expired.values() for block in each)]
    whens = [route.when.__code__ for route in routes if route.when]
    return [*(code.body.__code__ for code in [*routes, *blocks]), *whens]


def test_a_known_program_is_what_it_was_without_being_parsed_checked_or_compiled(rules, worked, monkeypatch):
    first = loaded(rules)
    monkeypatch.setattr("kzrules.language.outline.parse", None)
    again = loaded(rules)
    assert worked == [1]
    assert [one.code for one in first.findings] == ["KZ210"]
    assert (again.findings, again.after_names) == (first.findings, frozenset({"later"}))
    assert codes(again) == codes(first)
    assert again.declared == first.declared
    assert list(again.book.tables) == list(first.book.tables)


def test_whole_trees_are_there_for_who_asks(rules):
    text = (rules / "a.kzr").read_text()
    for _ in range(2):
        assert loaded(rules).files == (parse(text, str(rules / "a.kzr"))[0],)


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "a.kzr").write_text(RULES.replace('"early"', '"late"')),
        lambda folder: (folder / "b.kzr").write_text("setting more = 1\n"),
        lambda folder: (folder / "shape.json").write_text(json.dumps({"type": "object"})),
        lambda folder: (folder / "a.kzr").rename(folder / "c.kzr"),
    ],
    ids=["a text", "a file more", "a schema", "a name"],
)
def test_what_a_program_is_made_of_makes_it_another(rules, worked, change):
    loaded(rules)
    change(rules)
    assert loaded(rules).book is not None
    assert worked == [1, 1]


def test_settings_make_another_program(rules, worked):
    loaded(rules)
    loaded(rules, overrides={"limit": "6"})
    assert [loaded(rules, overrides={"limit": text}).declared.settings["limit"] for text in "56"] == [5, 6]
    assert worked == [1, 1, 1]


def test_another_broker_file_makes_another_program(rules, worked):
    for host in ("one", "two", "one"):
        file, _ = parse(f'broker {{\n    zone main {{ "amqp://{host}" }}\n}}\n', "broker.kzr")
        assert loaded(rules, broker_file=file).book.broker.zones[0].urls == (f"amqp://{host}",)
    assert worked == [1, 1]


def test_the_next_day_looks_again_for_a_silence_may_have_ended(rules, worked, monkeypatch):
    loaded(rules)
    real = known.datetime

    class Tomorrow(real):
        @classmethod
        def now(cls, zone):
            return real.now(zone).replace(year=2099)

    monkeypatch.setattr(known, "datetime", Tomorrow)
    loaded(rules)
    assert worked == [1, 1]


def test_rules_with_an_error_are_refused_each_time(rules, worked):
    (rules / "a.kzr").write_text(RULES.replace("lamp(.Realm", "lampe(.Realm"))
    said = [[one.code for one in loaded(rules).findings if one.is_error] for _ in range(2)]
    assert (said, worked) == ([["KZ202"], ["KZ202"]], [1, 1])


def test_a_program_with_code_that_was_lost_is_made_anew(rules, worked, tmp_path):
    loaded(rules)
    for kept in (tmp_path / "cache" / "kzrules" / "language").glob("code-*"):
        kept.unlink()
    assert loaded(rules).book is not None
    assert worked == [1, 1]


def test_other_words_and_instrumented_rules_are_not_taken_from_it(rules, worked):
    loaded(rules)
    assert loaded(rules, words=dict(WORDS)).program.recorder is None
    assert loaded(rules, instrument=True).program.recorder is not None
    assert worked == [1, 1, 1]


def test_no_password_of_the_environment_is_kept(rules, tmp_path):
    text = RULES + 'setting password = "none"\nbroker {\n    "amqp://me:{password}@host"\n}\n'
    (rules / "a.kzr").write_text(text)
    for _ in range(2):
        made = loaded(rules, overrides={"password": "hunter2hunter2"})
        assert made.book.broker.zones[0].urls == ("amqp://me:hunter2hunter2@host",)
    kept = list((tmp_path / "cache" / "kzrules" / "language").iterdir())
    assert len(kept) > 2
    assert [file.name for file in kept if b"hunter2" in file.read_bytes()] == []


PASSWORDS = {
    "in a URL": 'broker {\n    zone main { "amqp://bob:hunter2@host" }\n}\n',
    "with odd signs": 'broker {\n    zone main { "amqp://bob:hunter2%2F@/@host" }\n}\n',
    "in a setting": 'setting password = "hunter2"\nbroker {\n    "amqp://bob:{password}@host"\n}\n',
    "put together": 'setting half = "hunter2"\nsetting url = "bob:{half}x"\nbroker {\n    "amqp://{url}@host"\n}\n',
    "of another service": 'kamailio proxy {\n    rpc: "http://bob:hunter2@host:8080/rpc"\n}\n',
}


@pytest.mark.parametrize("text", PASSWORDS.values(), ids=PASSWORDS)
def test_no_password_of_a_rule_file_is_kept(rules, tmp_path, text):
    (rules / "b.kzr").write_text(text)
    for _ in range(2):
        loaded(rules)
    kept = list((tmp_path / "cache" / "kzrules" / "language").iterdir())
    assert [file.name for file in kept if b"hunter2" in file.read_bytes()] == []


def test_a_login_that_a_setting_gives_does_not_keep_a_file_from_being_known(rules, monkeypatch):
    (rules / "b.kzr").write_text('setting password = "none"\nbroker {\n    "amqp://me:{password}@host"\n}\n')
    loaded(rules, overrides={"password": "hunter2"})
    monkeypatch.setattr("kzrules.language.outline.parse", None)
    assert loaded(rules, overrides={"password": "hunter2"}).book is not None


def test_a_schema_that_changes_while_it_is_checked_is_not_taken_for_the_one_before(rules, monkeypatch):
    shape, check = rules / "shape.json", load.check

    def late(*args, **more):
        shape.write_text(json.dumps({"type": "object", "properties": {"Other": {}}}))
        return check(*args, **more)

    monkeypatch.setattr(load, "check", late)
    meanwhile = loaded(rules)
    monkeypatch.setattr(load, "check", check)
    shape.write_text(json.dumps(SCHEMA))
    assert loaded(rules).findings != meanwhile.findings
