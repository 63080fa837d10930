"""Every command in docs/ci.md and every hook works: in a repository with a branch, through a shell."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree.ElementTree import parse

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "ci.md").read_text()
COMMANDS = [
    line.strip().removeprefix("- ").removeprefix("run: ")
    for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
    if "kzrules " in line and "pip install" not in line and "<" not in line
]
HOOKS = re.findall(r"^  entry: (.*)$", (ROOT / ".pre-commit-hooks.yaml").read_text(), re.MULTILINE)
EVENTS = [
    {"Event-Category": "call_event", "Event-Name": name, "Call-ID": "abc", "Timestamp": at}
    for name, at in (("CHANNEL_ANSWER", 100), ("CHANNEL_DESTROY", 160))
]


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A change of rules on a branch, and where `main` was."""
    folder = tmp_path_factory.mktemp("repository")
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / ".cache"), "PYTHONPATH": str(ROOT)}
    environment |= {"GITHUB_BASE_REF": "main", "CI_DEFAULT_BRANCH": "main"}
    tool = f'kzrules() {{ "{sys.executable}" -m kzrules.cli "$@"; }}; git() {{ command git -c user.name=a '
    tool += '-c user.email=a@example.com -c init.defaultBranch=main "$@"; }; '

    def shell(text):
        done = subprocess.run(
            ["sh", "-c", tool + text],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{text}: {done.stdout}{done.stderr}"
        return done.stdout

    shell("git init -q . && kzrules new rules/first")
    (folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in EVENTS))
    shell("git add rules && git commit -qm one && git update-ref refs/remotes/origin/main HEAD")
    file = folder / "rules" / "first" / "first.kzr"
    file.write_text(file.read_text().replace('"Seconds"', '"Length"'))
    shell("git checkout -qb change && git commit -qam two")
    return folder, shell


def test_the_page_has_its_commands():
    assert len(COMMANDS) == 8
    assert len(HOOKS) == 3


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_workflows_runs(repository, command):
    repository[1](command)


@pytest.mark.parametrize("entry", HOOKS)
def test_every_hook_takes_the_files_that_change(repository, entry):
    repository[1](f"{entry} rules/first/first.kzr")


def test_the_files_that_the_workflows_hand_over_are_there(repository):
    folder, shell = repository
    shell(next(line for line in COMMANDS if "gitlab:" in line))
    shell(next(line for line in COMMANDS if "sarif:" in line))
    shell(next(line for line in COMMANDS if "cobertura" in line))
    shell(next(line for line in COMMANDS if "diff.md" in line))
    assert json.loads((folder / "quality.json").read_text()) == []
    assert json.loads((folder / "rules.sarif").read_text())["version"] == "2.1.0"
    assert parse(folder / "coverage.xml").getroot().tag == "coverage"
    assert parse(folder / "tests.xml").getroot().tag == "testsuites"
    assert "publish to calls: body.Seconds, body.Length" in (folder / "diff.md").read_text()
