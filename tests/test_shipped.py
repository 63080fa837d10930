"""What is installed is whole: the checkout always passes, only a wheel can lie."""

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TWISTD = "from twisted.scripts.twistd import run; run()"
pytestmark = pytest.mark.timeout(300)


def run(*command, cwd):
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))
    }
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=clean, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """An sdist, and the wheel that is made from it, as a package index would."""
    folder = tmp_path_factory.mktemp("dist")
    # The build back end is in this environment already: no second download, no network.
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def wheel(built):
    return next(built.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """An environment with the wheel and nothing else but its dependencies, which are borrowed from ours."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=False)
    site = next(folder.glob("lib/python*/site-packages"))
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", site, wheel, cwd=folder)
    ours = next(path for path in sys.path if path.endswith("site-packages"))
    borrowed = folder / "borrowed"
    borrowed.mkdir()
    for package in Path(ours).iterdir():
        if "kzrules" not in package.name.lower() and package.suffix != ".pth":
            (borrowed / package.name).symlink_to(package)
    (site / "borrowed.pth").write_text(f"{borrowed}\n")
    return folder


def test_the_wheel_carries_grammar_rules_and_plugin(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert "kzrules/_shipped/grammar/kzrules.lark" in names
    assert "kzrules/_shipped/grammar/kzrules.json" in names
    assert "twisted/plugins/kzrules_plugin.py" in names
    assert any(name.startswith("kzrules/_shipped/rules/demo/") and name.endswith(".kzr") for name in names)


def test_the_wheel_carries_nothing_of_twisteds_own(wheel):
    assert [n for n in zipfile.ZipFile(wheel).namelist() if n.startswith("twisted/")] == [
        "twisted/plugins/kzrules_plugin.py"
    ]


def test_an_sdist_was_built_beside_the_wheel_that_came_out_of_it(built):
    assert sorted(path.suffix for path in built.iterdir()) == [".gz", ".whl"]


def test_twistd_knows_kzrules_where_the_wheel_is_installed(installed):
    listed = run(installed / "bin" / "python", "-c", TWISTD, "--help", cwd=installed)
    assert "kzrules" in listed


def test_the_installed_command_checks_the_shipped_rules(installed):
    where = "from kzrules.shipped import shipped; print(shipped('rules') / 'demo')"
    python = installed / "bin" / "python"
    rules = run(python, "-c", where, cwd=installed).strip()
    assert rules.startswith(str(installed))
    run(python, "-c", "from kzrules.cli import main; main()", "check", rules, cwd=installed)
