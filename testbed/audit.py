"""Known vulnerabilities of what is installed in the virtual environment: run by `make lint`, once a day.

pip-audit asks PyPI. Where nobody answers, nothing was audited: that is said, and fails nothing.
A vulnerability fails.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

EVERY = 24 * 3600
"""Seconds for which an answer counts: asking takes some ten seconds."""
PATIENCE = 90
_COMMAND = ("pip_audit", "--format", "json", "--progress-spinner", "off", "--timeout", "5", "--skip-editable")


def audit(stamp: Path, command: tuple[str, ...] = (sys.executable, "-m", *_COMMAND)) -> tuple[int, str]:
    """Exit status, and what to tell. `stamp` keeps what was told, unless something was wrong."""
    if stamp.exists() and time.time() - stamp.stat().st_mtime < EVERY:
        return 0, stamp.read_text()
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (OSError, ValueError, KeyError, subprocess.TimeoutExpired):
        return 0, _nothing("pip-audit got no answer")
    known = [one for one in found if "skip_reason" not in one]
    bad = [one for one in known if one["vulns"]]
    if bad:
        return 1, "\n".join(_told(one, vulnerability) for one in bad for vulnerability in one["vulns"])
    told = f"audit: no known vulnerability in {len(known)} of {len(found)} packages"
    if not known:
        told = _nothing(f"the index knows nothing of the {len(found)} packages here")
    stamp.write_text(told)
    return 0, told


def _nothing(why: str) -> str:
    return f"audit: nothing was audited: {why}"


def _told(one: dict[str, Any], vulnerability: dict[str, Any]) -> str:
    mended = ", ".join(vulnerability["fix_versions"]) or "no version yet"
    return f"audit: {one['name']} {one['version']} has {vulnerability['id']}; mended in {mended}"


if __name__ == "__main__":
    status, told = audit(Path(sys.prefix, "audited"))
    print(told, file=sys.stderr if status else sys.stdout)
    sys.exit(status)
