"""Each verb as a person or a build server meets it: a process, its output, its exit status."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

RULES = """\
language 1

broker {
    zone local { "amqp://localhost:5672" }
}

subscribe calls {
    exchange "callevt" { type: topic }
    queue "calls" { durable: true }
    routing: ["call.*.*"]
    route_names: ["call:{.Event-Name}", "call"]
}

table answered { ttl: 4h, max: 1000 }

event_route[call:answer] {
    answered[.Call-ID] = 1
}

event_route[call:destroy] when answered[.Call-ID] == 1 {
    publish("calls", key("ended", .Call-ID ?? "x"), { "Call-ID": .Call-ID, "State": "ended" })
}

event_route[call] {
    done("not ours")
}

test "an answered call is told of" {
    given answered["abc"] = 1
    event { "Event-Name": "destroy", "Call-ID": "abc" }
    expect route "call:destroy"
    expect publish("calls", "ended.abc", has { "State": "ended" })
    expect done
}

test "others are left alone" {
    event { "Event-Name": "destroy", "Call-ID": "abc" }
    expect route "call"
    expect not publish("calls")
    expect done("not ours")
}
"""


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """One cache for all these tests: how the first one fills it is measured elsewhere."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def kzrules(tmp_path, cache):
    """Run the command in a folder of its own."""
    environment = {
        name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR"}
    }
    environment |= {"XDG_CACHE_HOME": str(cache), "COLUMNS": "80", "LC_ALL": "C.UTF-8"}

    def run(*arguments, text=None, status=0, under=(), **extra):
        done = subprocess.run(
            [*under, sys.executable, "-m", "kzrules.cli", *map(str, arguments)],
            input=text,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**environment, "PYTHONPATH": str(Path.cwd()), **extra.pop("env", {})},
            check=False,
            **extra,
        )
        assert done.returncode == status, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    return run


@pytest.fixture
def rules(tmp_path):
    file = tmp_path / "calls.kzr"
    file.write_text(RULES)
    return file


# --- check


def test_check_is_quiet_about_good_rules(kzrules, rules):
    assert kzrules("check", rules).stdout == "1 file checked, nothing to complain about\n"


def test_check_finds_each_of_seven_mistakes(kzrules, tmp_path):
    bodies = [
        "infoo(1)", "let x = unknown_name", "retry(", "publish(1, 2, 3)", "answered[1 = 2",
        "if .A && .B { }", 'xlog("x")',
    ]  # fmt: skip
    text = RULES + "".join(
        f"\nevent_route[call:e{at}] {{\n    {body}\n}}\n" for at, body in enumerate(bodies)
    )
    (tmp_path / "bad.kzr").write_text(text)
    found = json.loads(kzrules("check", "bad.kzr", "--format", "json", status=1).stdout)
    lines = {one["line"] for one in found if one["severity"] == "error"}
    first = RULES.count("\n") + 3
    blocks = [range(first - 1 + 4 * at, first + 3 + 4 * at) for at in range(7)]
    assert [any(line in block for line in lines) for block in blocks] == [True] * 7
    assert len(found) <= 14


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("binary.kzr", b"\x7fELF\0\0\0", "NUL"),
        ("latin.kzr", b"# caf\xe9\n", "UTF-8"),
        ("large.kzr", b"# x\n" * 2_621_440, "bytes"),
    ],
)
def test_check_says_what_a_file_is_that_it_cannot_read(kzrules, tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    done = kzrules("check", name, status=1)
    assert said in done.stdout
    assert name in done.stdout


def test_check_of_an_empty_folder_is_a_failure(kzrules, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "no rule file" in kzrules("check", "empty", status=1).stdout


def test_check_of_a_missing_file_is_a_wrong_usage(kzrules):
    assert "no such file or folder: gone.kzr" in kzrules("check", "gone.kzr", status=2).stderr


def test_check_follows_no_loop_of_links(kzrules, tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "calls.kzr").write_text(RULES)
    (folder / "again").symlink_to(folder)
    (folder / "self.kzr").symlink_to("self.kzr")
    done = kzrules("check", "set", status=1)
    assert "self.kzr" in done.stdout
    assert done.stdout.count("self.kzr") < 6


@pytest.mark.parametrize("verb", [["fmt", "--check"], ["fmt"], ["test"]])
def test_other_verbs_say_the_same_of_what_cannot_be_read(kzrules, tmp_path, verb):
    (tmp_path / "self.kzr").symlink_to("self.kzr")
    (tmp_path / "binary.kzr").write_bytes(b"\x7fELF\0")
    (tmp_path / "empty").mkdir()
    (tmp_path / "large.kzr").write_bytes(b"# x\n" * 2_621_440)
    for name, said in (("self.kzr", "symbolic links"), ("binary.kzr", "NUL"), ("empty", "no rule file")):
        done = kzrules(*verb, name, status=1)
        assert said in done.stdout + done.stderr
    done = kzrules(*verb, "large.kzr", status=1)
    assert "4 MiB at most" in done.stdout + done.stderr
    assert "no such file" in kzrules(*verb, "gone.kzr", status=2).stderr


def test_a_program_with_errors_ran_no_test(kzrules, rules):
    rules.write_text(RULES + "\nevent_route[call:x] { lowre(1) }\n")
    assert "1 program with errors: no test ran" in kzrules("test", rules, status=1).stdout


def test_a_side_that_is_nothing_is_told_by_its_name(kzrules, rules, tmp_path):
    (tmp_path / "e.jsonl").write_text("{}\n")
    said = kzrules("diff", "gone", rules, "e.jsonl", status=2).stderr
    assert "gone is no file or folder, and no git reference" in " ".join(said.split())


@pytest.mark.parametrize(
    "change", [lambda raw: raw.replace(b"\n", b"\r\n"), lambda raw: b"\xef\xbb\xbf" + raw]
)
def test_check_takes_other_line_ends_and_a_byte_order_mark(kzrules, rules, change):
    rules.write_bytes(change(rules.read_bytes()))
    assert "nothing to complain about" in kzrules("check", rules).stdout


def test_check_tells_of_every_file_when_one_cannot_be_read(kzrules, tmp_path):
    (tmp_path / "a.kzr").write_text("event_route[x] {\n    nonsense(\n}\n")
    (tmp_path / "b.kzr").mkdir()
    (tmp_path / "c.kzr").write_text("event_route[y] {\n    unknown(1)\n}\n")
    done = kzrules("check", "a.kzr", "c.kzr", "--format", "concise", status=1)
    assert {"a.kzr", "c.kzr"} <= {line.split(":")[0] for line in done.stdout.splitlines()}


def test_check_says_that_it_may_not_read(kzrules, rules):
    rules.chmod(0)
    without = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    assert "permission denied" in kzrules("check", rules, status=1, under=without).stdout


def test_check_under_rules_takes_each_topic_as_a_program(kzrules, tmp_path):
    for topic in ("one", "two"):
        (tmp_path / "rules" / topic).mkdir(parents=True)
        (tmp_path / "rules" / topic / "calls.kzr").write_text(RULES)
    assert "2 files checked" in kzrules("check", "rules").stdout


def test_check_writes_several_outputs_at_once(kzrules, tmp_path):
    (tmp_path / "a.kzr").write_text("event_route[x] {\n    unknown(1)\n}\n")
    kzrules("check", "a.kzr", "--output", "sarif:out/a.sarif", "--output", "junit:out/a.xml", status=1)
    assert json.loads((tmp_path / "out" / "a.sarif").read_text())["version"] == "2.1.0"
    assert int(fromstring((tmp_path / "out" / "a.xml").read_text()).get("failures")) > 0


def test_check_denies_warnings_when_told_to(kzrules, rules):
    rules.write_text(
        RULES.replace("    answered[.Call-ID] = 1\n", "    let unused = 1\n    answered[.Call-ID] = 1\n")
    )
    assert "warning" in kzrules("check", rules).stdout
    kzrules("check", rules, "--deny-warnings", status=1)


def test_check_mends_what_fingers_type(kzrules, rules):
    rules.write_text(RULES.replace("== 1 {", "== 1 && true {"))
    shown = kzrules("check", rules, "--diff", status=1)
    assert "+event_route[call:destroy] when answered[.Call-ID] == 1 and true {" in shown.stdout
    assert "&&" in rules.read_text()
    kzrules("check", rules, "--fix")
    assert "== 1 and true {" in rules.read_text()


def test_check_since_tells_of_changed_lines_and_of_what_they_broke(kzrules, rules, tmp_path):
    def git(*arguments):
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        subprocess.run(["git", "-C", str(tmp_path), *identity, *arguments], check=True, capture_output=True)

    rules.write_text(RULES.replace('    done("not ours")', '    let old = 1\n    done("not ours")', 1))
    git("init", "-q", "-b", "main")
    git("add", "calls.kzr")
    git("commit", "-q", "-m", "first")
    assert json.loads(kzrules("check", rules, "--since", "main", "--format", "json").stdout) == []
    rules.write_text(rules.read_text().replace("table answered {", "table replied {"))
    found = json.loads(kzrules("check", rules, "--since", "main", "--format", "json", status=1).stdout)
    assert any("answered" in one["message"] for one in found)
    assert not any("old" in one["message"] for one in found)
    assert "git rev-parse" in kzrules("check", rules, "--since", "nowhere", status=2).stderr


# --- fmt


def test_fmt_writes_one_form_and_is_content_with_it(kzrules, rules):
    rules.write_text(RULES.replace("    done(", "          done(").replace("{ ttl: 4h,", "{ttl:4h,"))
    kzrules("fmt", "--check", rules, status=1)
    assert "-" in kzrules("fmt", "--diff", rules, status=1).stdout
    kzrules("fmt", rules)
    once = rules.read_text()
    kzrules("fmt", "--check", rules)
    assert rules.read_text() == once


def test_fmt_leaves_a_file_with_mistakes_as_it_is(kzrules, tmp_path):
    bad = tmp_path / "bad.kzr"
    bad.write_text("event_route[x] {\n      retry(\n}\n")
    assert "mistakes" in kzrules("fmt", bad, status=1).stderr
    assert bad.read_text() == "event_route[x] {\n      retry(\n}\n"


def test_fmt_reads_standard_input(kzrules):
    assert kzrules("fmt", "-", text="setting  a=1").stdout == "setting a = 1\n"


# --- test


def test_test_passes(kzrules, rules):
    assert kzrules("test", rules).stdout.splitlines()[0] == "ok   calls.kzr  2 tests"


def test_test_shows_both_sides_and_the_trace_of_a_failure(kzrules, rules):
    rules.write_text(RULES.replace('has { "State": "ended" }', 'has { "State": "gone" }'))
    out = kzrules("test", rules, status=1).stdout
    assert "FAIL calls.kzr  1 of 2 passed" in out
    assert '!   "State": "gone"' in out
    assert '"State": "ended"' in out
    assert "calls.kzr:20  when answered[.Call-ID] == 1  true" in out
    assert "answered[.Call-ID] is 1" in out
    assert max(map(len, out.splitlines())) <= 80


def test_failures_keep_to_the_width_however_long_names_and_questions_are(kzrules, rules):
    asks = 'let a = query("q", "k", { "A": "some text", "B": "more", "C": 1 }) else (why) { retry(why) }'
    rules.write_text(
        RULES
        + f'event_route[call:ask] {{\n    {asks}\n    info("{{a.X}}")\n}}\n'
        + f'test "{"a long name " * 9}" {{\n    event {{ "Event-Name": "ask" }}\n    expect done\n}}\n'
    )
    out = kzrules("test", rules, "--run", "long", status=1).stdout
    assert 'nothing answers query("q", "k", { "A": "some text"' in out
    assert "Server-ID" not in out
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize("arguments", [["--run", "no such test"], []])
def test_test_without_a_test_is_a_failure(kzrules, rules, arguments):
    if not arguments:
        rules.write_text(RULES.partition("test ")[0])
    assert "is a failure" in kzrules("test", rules, *arguments, status=1).stdout


def test_test_runs_only_what_is_selected_and_writes_junit(kzrules, rules, tmp_path):
    kzrules("test", rules, "--run", "left ALONE", "--junit", "out.xml")
    root = fromstring((tmp_path / "out.xml").read_text())
    assert [case.get("name") for case in root.iter("testcase")] == ["others are left alone"]


def test_test_tells_what_no_test_reaches_and_why(kzrules, rules, tmp_path):
    reports = ["lcov:c.info", "cobertura:c.xml", "html:c.html"]
    arguments = [part for report in reports for part in ("--coverage-report", report)]
    out = kzrules("test", rules, "--coverage", "--threshold", "99", *arguments, status=1).stdout
    assert "routes 2/3" in out
    assert "no event of that name" in out
    assert "less than 99 %" in out
    lcov = (tmp_path / "c.info").read_text().splitlines()
    assert lcov[1] == "SF:calls.kzr"
    assert "FNF:3" in lcov
    assert "FNH:2" in lcov
    assert lcov[-1] == "end_of_record"
    assert fromstring((tmp_path / "c.xml").read_text()).find(".//class").get("filename") == "calls.kzr"
    assert "no event of that name" in (tmp_path / "c.html").read_text()


def test_test_of_rules_with_errors_is_a_failure_that_shows_them(kzrules, rules):
    rules.write_text(RULES + "event_route[call:x] {\n    unknown(1)\n}\n")
    assert "unknown" in kzrules("test", rules, status=1).stdout


QUERY = """
event_route[call:ask] {
    let answer = query("callevt", key("ask"), { "A": 1 }, timeout: 2s) else (why) {
        retry("nobody: {why}")
    }
    if answer.Found == true { info("found") }
    after 20s as later { publish("calls", key("later"), { "B": 2 }) }
}

test "asked and answered" {
    given query("callevt") answers { "Found": true }
    event { "Event-Name": "ask" }
    expect query("callevt", "ask", { "A": 1 })
    expect info("found")
    expect done
    pass 20s
    expect publish("calls", "later", { "B": 2 })
}

test "asked in vain" {
    given query("callevt") fails "timeout"
    event { "Event-Name": "ask" }
    expect retry("nobody: timeout")
}
"""


def test_given_answers_failures_and_time_are_what_rules_meet(kzrules, rules):
    rules.write_text(RULES + QUERY)
    assert "4 passed" in kzrules("test", rules).stdout


def test_a_query_that_nothing_given_answers_fails_the_test(kzrules, rules):
    rules.write_text(RULES + QUERY.replace('    given query("callevt") fails "timeout"\n', ""))
    assert "nothing answers query(" in kzrules("test", rules, status=1).stdout


def test_a_failure_of_a_rule_that_nobody_expects_fails_the_test(kzrules, rules):
    broken = '\nevent_route[call:b] {\n    info("{.A + 1}")\n}\n'
    broken += 'test "b" {\n    event { "Event-Name": "b", "A": "x" }\n'
    rules.write_text(RULES + broken + "}\n")
    assert "the rule failed at" in kzrules("test", rules, "--run", "^b$", status=1).stdout
    rules.write_text(RULES + broken + '    expect fail("two numbers")\n}\n')
    kzrules("test", rules, "--run", "^b$")


# --- trace and diff

EVENT = {"Event-Name": "destroy", "Call-ID": "a.b"}


def test_trace_shows_why_each_route_did_or_did_not_run(kzrules, rules, tmp_path):
    (tmp_path / "e.json").write_text(json.dumps(EVENT))
    out = kzrules("trace", rules, "e.json").stdout
    assert "1. call:destroy" in out
    assert "no     calls.kzr:20  answered[.Call-ID] == 1" in out
    assert "answered[.Call-ID] is null" in out
    assert "taken  calls.kzr:24" in out
    assert 'done("not ours")' in out


def test_trace_reads_a_capture_and_keeps_tables_over_it(kzrules, rules):
    lines = [{"Event-Name": "answer", "Call-ID": "a.b"}, {"payload": EVENT, "routing_key": "call.x.y"}]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    first, second = map(json.loads, kzrules("trace", rules, "-", "--json", text=text).stdout.splitlines())
    assert first["route"] == "call:answer"
    assert second["route"] == "call:destroy"
    assert second["keys"][0]["key"] == "ended.a%2Eb"
    assert second["keys"][0]["segments"][1]["value"] == "a.b"
    assert second["actions"][0]["body"]["State"] == "ended"


def test_trace_says_what_is_no_event(kzrules, rules, tmp_path):
    (tmp_path / "e.json").write_text("{")
    assert "no JSON" in kzrules("trace", rules, "e.json", status=2).stderr
    assert "line 2" in kzrules("trace", rules, "-", text="{}\n[", status=2).stderr


@pytest.fixture
def two_sides(rules, tmp_path):
    (tmp_path / "new.kzr").write_text(RULES.replace('"State": "ended"', '"State": "over"'))
    lines = [{"Event-Name": "answer", "Call-ID": "a"}, {**EVENT, "Call-ID": "a"}, EVENT]
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return "calls.kzr", "new.kzr", "events.jsonl"


def test_diff_groups_what_changes_with_an_example(kzrules, two_sides):
    out = kzrules("diff", *two_sides, "--exit-code", status=1).stdout
    assert "1 event: publish to calls: body.State" in out
    assert '- publish("calls", "ended.a", { "Call-ID": "a", "State": "ended" })' in out
    assert '+ publish("calls", "ended.a", { "Call-ID": "a", "State": "over" })' in out
    assert "3 events played through calls.kzr and new.kzr: 1 change, in 1 way" in out


def test_diff_of_equal_sides_changes_nothing(kzrules, two_sides):
    old, _, events = two_sides
    assert "nothing changes" in kzrules("diff", old, old, events, "--exit-code").stdout


def test_diff_is_a_comment_and_json_as_well(kzrules, two_sides):
    comment = kzrules("diff", *two_sides, "--format", "markdown").stdout
    assert "| 1 | publish to calls: body.State |" in comment
    assert comment.count("<details>") == comment.count("</details>") == 1
    whole = json.loads(kzrules("diff", *two_sides, "--format", "json").stdout)
    assert (whole["events"], whole["changed"], whole["groups"][0]["count"]) == (3, 1, 1)


def test_diff_takes_git_references(kzrules, two_sides, tmp_path):
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    for arguments in (["init", "-q", "-b", "main"], ["add", "calls.kzr"], ["commit", "-q", "-m", "first"]):
        subprocess.run(["git", "-C", str(tmp_path), *identity, *arguments], check=True, capture_output=True)
    (tmp_path / "calls.kzr").write_text((tmp_path / "new.kzr").read_text())
    out = kzrules("diff", "main", "calls.kzr", "events.jsonl").stdout
    assert "1 change" in out


# --- explain, new, completion, and the ways in which a process ends


def test_explain_tells_what_a_code_means(kzrules):
    code = kzrules("explain").stdout.split()[0]
    page = kzrules("explain", code.lower()).stdout
    assert page.startswith(code)
    assert "Wrong" in page
    assert "there is no code" in kzrules("explain", "KZ000", status=2).stderr


def test_new_writes_rules_that_check_and_whose_tests_pass(kzrules, tmp_path):
    kzrules("new", "first")
    assert "nothing to complain about" in kzrules("check", "first", "--deny-warnings").stdout
    kzrules("fmt", "--check", "first")
    assert "3 passed" in kzrules("test", "first").stdout
    before = (tmp_path / "first" / "first.kzr").read_text()
    assert "is there already" in kzrules("new", "first", status=2).stderr
    assert (tmp_path / "first" / "first.kzr").read_text() == before


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(kzrules, shell):
    assert "_KZRULES_COMPLETE" in kzrules("completion", shell).stdout


def test_a_wrong_verb_is_answered_with_the_nearest(kzrules):
    assert "did you mean `check`?" in kzrules("chekc", status=2).stderr


def test_help_lists_the_verbs(kzrules):
    assert "diff " in kzrules("--help").stdout


def test_colours_are_for_terminals_and_for_those_who_ask(kzrules, rules):
    assert "\x1b[" not in kzrules("check", rules).stdout
    assert "\x1b[" in kzrules("check", rules, env={"FORCE_COLOR": "1"}).stdout
    assert "\x1b[" not in kzrules("check", rules, env={"FORCE_COLOR": "1", "NO_COLOR": "1"}).stdout
    assert "\x1b[" in kzrules("check", rules, "--color", "always", env={"NO_COLOR": "1"}).stdout


def test_a_reader_that_goes_away_is_no_error(kzrules, rules, tmp_path):
    text = "".join(json.dumps(EVENT) + "\n" for _ in range(2000))
    (tmp_path / "events.jsonl").write_text(text)
    command = f"{sys.executable} -m kzrules.cli trace calls.kzr - < events.jsonl | head -1"
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(
        command, shell=True, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
    )
    assert (len(done.stdout.splitlines()), done.stderr) == (1, "")


@pytest.fixture
def interruptible():
    """What a shell starts with `&` ignores SIGINT, and so do its children."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_is_quiet(rules, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, "-u", "-m", "kzrules.cli", "trace", str(rules), "-"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=environment,
    ) as process:
        process.stdin.write(json.dumps(EVENT).encode() + b"\n")
        process.stdin.flush()
        assert process.stdout.readline().startswith(b"event 1")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert (process.returncode, said.strip()) == (130, b"")


def test_a_mistake_of_the_syntax_hides_no_wrong_name(kzrules, rules):
    text = RULES.replace("== 1 {", "== 1 && true {").replace(
        "    answered[.Call-ID]", "    answerd[.Call-ID]"
    )
    rules.write_text(text)
    found = json.loads(kzrules("check", rules, "--format", "json", status=1).stdout)
    assert [one["line"] for one in found if one["severity"] == "error"] == [17, 20]
