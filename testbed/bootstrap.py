"""Make the virtual environment on a machine that has nothing but Python: run by the Makefile.

Debian and Ubuntu part Python from `venv`'s own pip (package python3-venv). Where that is missing,
pip is taken from the package python3-pip-whl, downloaded and unpacked without root. Standard
library only: there is nothing else yet.
"""

import importlib.util
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from testbed.debian import Apt, Say, run
from testbed.errors import NoBroker

_WHEELS = "usr/share/python-wheels"


def make_environment(folder: Path, say: Say) -> None:
    """A virtual environment with this project and its development packages in it."""
    python = folder / "bin" / "python"
    if not (folder / "bin" / "pip").exists():
        say(f"making the virtual environment {folder.name} (once) ...")
        if importlib.util.find_spec("ensurepip"):
            venv.create(folder, with_pip=True, clear=True)
        else:
            venv.create(folder, with_pip=False, clear=True)
            _install_pip(python, say)
    say("installing the packages that pyproject.toml names (about a minute, once) ...")
    _pip(python, "install", "--quiet", "--editable", ".[dev]")


def _install_pip(python: Path, say: Say) -> None:
    """Debian's own pip, as a wheel that runs without being installed, installs itself."""
    if not shutil.which("apt-get"):
        raise NoBroker(
            "this Python has no ensurepip, and there is no apt to have pip from: install python3-venv."
        )
    say("python3-venv is not installed: unpacking pip from the package python3-pip-whl ...")
    with tempfile.TemporaryDirectory(prefix="kzrules-pip-") as work:
        apt = Apt(Path(work), "python3-pip-whl")
        for package in apt.download(["python3-pip-whl"]):
            run(["dpkg-deb", "-x", str(package), work])
        wheel = next(Path(work, _WHEELS).glob("pip-*.whl"))
        run([str(python), f"{wheel}/pip", "install", "--quiet", "--no-index", str(wheel)])


def _pip(python: Path, *arguments: str) -> None:
    command = [str(python), "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, check=False)
    if done.returncode:
        raise NoBroker("pip could not install the packages; its message stands above. Is there a network?")


def main() -> None:
    """FOLDER on the command line."""
    try:
        make_environment(Path(sys.argv[1]), lambda line: print(line, file=sys.stderr, flush=True))
    except NoBroker as error:
        sys.exit(f"make: {error}")


if __name__ == "__main__":
    main()
