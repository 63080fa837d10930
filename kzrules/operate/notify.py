"""Tells systemd how it goes: started, what it is doing, alive, reloading, stopping (`sd_notify(3)`).

The service calls it. Where no `NOTIFY_SOCKET` is given, nothing is told to anybody. Alive is said from
the reactor's own tick, so a reactor that hangs is noticed by the unit's watchdog.
"""

import os
import socket
import time
from collections.abc import MutableMapping

from twisted.logger import Logger

from kzrules.operate.status import Status

_log = Logger()


class Notifier:
    """Speaks to the service manager that started us, if one did."""

    def __init__(self, environment: MutableMapping[str, str] = os.environ) -> None:
        where = environment.pop("NOTIFY_SOCKET", "")  # not for programs that we might start
        self._where = "\0" + where[1:] if where.startswith("@") else where
        self._said = ""

    @property
    def heard(self) -> bool:
        """Whether anybody listens."""
        return bool(self._where)

    def started(self) -> None:
        """The rules are loaded and the connections on their way: a unit need not wait for a broker."""
        self._tell("READY=1")

    def alive(self, status: Status) -> None:
        """Called with each tick: the watchdog is fed, and the state told where it changed."""
        reasons = list(status.unready())
        text = f"not ready: {reasons[0]}" if reasons else "ready"
        self._tell("WATCHDOG=1" if text == self._said else f"WATCHDOG=1\nSTATUS={text}")
        self._said = text

    def reloading(self) -> None:
        """The rules are loaded anew; `started` says when that is over."""
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """The drain has begun."""
        self._tell("STOPPING=1\nSTATUS=draining")

    def _tell(self, text: str) -> None:
        if not self._where:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
                out.sendto(text.encode(), self._where)
        except OSError as error:
            _log.warn("systemd cannot be told how it goes: {why}", why=error.strerror)
            self._where = ""
