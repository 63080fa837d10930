"""A headless Chromium that opens one page: the machine's own, or Debian's package by apt where it may."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from testbed import apt
from testbed.debian import Say
from testbed.errors import NoBrowser

SECONDS = 60.0


def find(say: Say) -> str:
    """The program; NoBrowser says what to install."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None and apt.may_install():
        apt.install(say, ("chromium",))
        found = shutil.which("chromium")
    if found is None:
        raise NoBrowser("There is no Chromium here: the page is not looked at. Install chromium to have it.")
    return found


def opened(program: str, url: str, *, virtual_ms: int = 4000, picture: Path | None = None) -> str:
    """The page's elements after its scripts ran for that long; `picture` is a PNG to make of it, too."""
    wanted = [f"--screenshot={picture}", "--window-size=1200,1500"] if picture else ["--dump-dom"]
    with tempfile.TemporaryDirectory(prefix="kzrules-browser-") as profile:
        done = subprocess.run(
            [
                program,
                "--headless=new",
                "--no-sandbox",  # a container's root has none; the page is our own
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--enable-logging=stderr",  # what scripts complain of
                f"--user-data-dir={profile}",
                f"--virtual-time-budget={virtual_ms}",
                *wanted,
                url,
            ],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=True,
        )
    complaints = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    if complaints:
        raise AssertionError("\n".join(complaints))
    return done.stdout
