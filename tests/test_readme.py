"""The README's first rule is what it says it is, and so is the finding when it is broken."""

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
KZRULES = [str(Path(sys.executable).with_name("kzrules"))]


def fenced(kind):
    return re.findall(rf"```{kind}\n(.*?)```", README.read_text("utf-8"), re.DOTALL)


def kzrules(folder, *arguments):
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "COLUMNS": "80", "NO_COLOR": "1"}
    return subprocess.run(
        [*KZRULES, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_the_first_rule_checks_clean_and_its_test_passes(tmp_path):
    (rule,) = fenced("kzr")
    (tmp_path / "lamps.kzr").write_text(rule)
    checked = kzrules(tmp_path, "check", "lamps.kzr")
    assert (0, "1 file checked, nothing to complain about\n") == (checked.returncode, checked.stdout)
    tested = kzrules(tmp_path, "test", "lamps.kzr")
    assert tested.returncode == 0
    assert "1 passed" in tested.stdout


def test_the_first_rule_broken_on_purpose_gives_the_finding_that_is_printed(tmp_path):
    (rule,), (finding,) = fenced("kzr"), fenced("text")
    (tmp_path / "lamps.kzr").write_text(rule.replace("publish", "publsh", 1))
    checked = kzrules(tmp_path, "check", "lamps.kzr")
    assert (1, finding) == (checked.returncode, checked.stdout)
