"""From the options of `tap` to a service. Findings go to standard error; errors end with status 1."""

import os
import socket
import sys
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from twisted.application.service import Service

from kzrules import __version__
from kzrules.errors import SettingError
from kzrules.language.findings.render import render
from kzrules.message.identity import Identity
from kzrules.operate.state import StateFolder
from kzrules.routing.load import Loaded
from kzrules.service import memory
from kzrules.service.plan import Origin, plan
from kzrules.service.service import KzService


def build(options: Mapping[str, Any]) -> Service:
    """The service that the options ask for; SystemExit where there is none, or only `--check` was asked."""
    identity = Identity(
        options["node"] or socket.gethostname(), options["app-name"], __version__, uuid4().hex[:12]
    )
    origin = Origin(options["rules"], options["set"], options["broker-file"], identity)
    try:
        loaded = origin.load()
        _print(loaded)
        if loaded.book is None or options["check"]:
            raise SystemExit(1 if loaded.book is None else 0)
        made = plan(loaded, options, origin)
        state = None if made.state is None else StateFolder(made.state)
    except SettingError as error:
        sys.stderr.write(f"kzrules: {error}\n")
        raise SystemExit(1) from None
    from twisted.internet import reactor  # noqa: PLC0415  twistd has chosen one only by now

    service = KzService(made, reactor, state)
    memory.settle()
    return service


def _print(loaded: Loaded) -> None:
    if loaded.findings:
        colour = sys.stderr.isatty() and "NO_COLOR" not in os.environ
        sys.stderr.write(render(loaded.findings, loaded.texts, width=100, colour=colour) + "\n")
