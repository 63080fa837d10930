"""Packages installed by apt, the last way to have them: only as root, and only in CI or when asked to."""

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from testbed.debian import Say

POLICY = Path("/usr/sbin/policy-rc.d")
"""Debian asks this program before it starts a service that was just installed; 101 means no."""
ASKED = "KZRULES_APT_INSTALL"

Run = Callable[..., object]


def may_install(environment: Mapping[str, str] = os.environ, user: int | None = None) -> bool:
    """Whether the machine may be changed: root, and in CI or with KZRULES_APT_INSTALL=1."""
    root = (os.geteuid() if user is None else user) == 0
    return root and (environment.get("CI") == "true" or environment.get(ASKED) == "1")


def install(
    say: Say,
    names: Sequence[str] = ("rabbitmq-server",),
    *,
    run: Run = subprocess.run,
    policy: Path = POLICY,
) -> None:
    """Install packages without starting them as services; CalledProcessError where apt fails."""
    say(f"installing {' '.join(names)} by apt ...")
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "-y", "--no-install-recommends", *names]):
            run(["apt-get", "-qq", *command], check=True, env=quiet, stdout=subprocess.DEVNULL)
    finally:
        if ours:
            policy.unlink()
