"""What shells ask while somebody types, and that bash takes the answer."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def asked(shell, words, number):
    """The answer, as the script of that shell asks for it."""
    done = subprocess.run(
        [sys.executable, "-m", "kzrules.cli"],
        env={
            "PYTHONPATH": str(ROOT),
            "COMP_WORDS": words,
            "COMP_CWORD": number,
            "_KZRULES_COMPLETE": f"{shell}_complete",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert not done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("shell", "words", "number", "expected"),
    [
        ("bash", "kzrules che", "1", "plain,check"),
        ("bash", "kzrules check --form", "2", "plain,--format"),
        ("bash", "kzrules explain KZ40", "2", "plain,KZ402"),
        ("bash", "kzrules check ", "2", "file,"),
        ("zsh", "kzrules check --format ", "3", "plain\nsarif\n_"),
        ("zsh", "kzrules fm", "1", "plain\nfmt\nBring rule files into their one"),
        ("fish", "kzrules check --format gi", "gi", "plain,gitlab"),
        ("fish", "kzrules tes", "tes", "plain,test\tRun the tests"),
    ],
)
def test_each_shell_is_given_what_can_stand_there(shell, words, number, expected):
    assert expected in asked(shell, words, number)


def test_bash_completes_with_the_script(tmp_path):
    tool = tmp_path / "kzrules"
    tool.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m kzrules.cli "$@"\n')
    tool.chmod(0o755)
    typed = "COMP_WORDS=(kzrules explain KZ40); COMP_CWORD=2; _kzrules_completion kzrules KZ40 explain"
    script = f'PATH="{tmp_path}:$PATH"; . <(kzrules completion bash); {typed}; echo "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert "KZ401 KZ402 KZ403" in done.stdout
