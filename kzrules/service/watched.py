"""Who looks at the service from outside: the HTTP port, if one was asked for, and systemd, if it started us.

`service` tells it when things begin, tick and end.
"""

from collections.abc import Callable
from typing import Any

from kzrules.operate.notify import Notifier
from kzrules.operate.status import Status
from kzrules.service.parts import Parts


class Watched:
    """Health, metrics, the page and the service manager."""

    def __init__(self, where: tuple[str, int] | None, parts: Parts, status: Callable[[], Status]) -> None:
        self.notifier = Notifier()
        self._status = status
        self._http: Any = None
        if where is not None:
            # Imported here: the web server and Prometheus' client take memory that few services need.
            from kzrules.operate.http import Http  # noqa: PLC0415  see above

            self._http = Http(where, status, parts.feed, parts.reactor)
            parts.asked = self._http.question

    def start(self) -> None:
        """The parts have begun."""
        if self._http is not None:
            self._http.start()
        self.notifier.started()

    def tick(self) -> None:
        """A second is over."""
        if self.notifier.heard:
            self.notifier.alive(self._status())

    async def stop(self) -> None:
        """All has ended; until here the draining could be watched."""
        if self._http is not None:
            await self._http.stop()
