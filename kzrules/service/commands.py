"""What the control socket can ask of the service, by name. `service` makes them; `control` calls them."""

from collections.abc import Mapping
from dataclasses import asdict
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred

from kzrules import logs
from kzrules.errors import SettingError
from kzrules.operate.control import STREAMING, Commands, Conversation
from kzrules.operate.taps import Tap, Wish
from kzrules.routing.tables import FOREVER

if TYPE_CHECKING:
    from kzrules.service.service import KzService

MOST_TAPS = 8
MOST_ENTRIES = 1_000
Request = Mapping[str, Any]


def commands(service: "KzService") -> Commands:
    """Each command by its name."""
    asked = _Asked(service)
    return {
        "status": lambda _request, _to: service.status.as_json(),
        "routes": lambda _request, _to: [asdict(route) for route in service.status.routes],
        "tables": asked.tables,
        "reload": asked.reload,
        "rollback": asked.rollback,
        "tap": asked.tap,
        "drain": asked.drain,
        "log-level": asked.log_level,
    }


class _Asked:
    def __init__(self, service: "KzService") -> None:
        self._service = service
        self._taps = 0

    def reload(self, _request: Request, _to: Conversation) -> Deferred[str]:
        return self._service.reload.again("ctl")

    def rollback(self, _request: Request, _to: Conversation) -> Deferred[str]:
        return self._service.reload.back()

    def drain(self, _request: Request, _to: Conversation) -> Deferred[dict[str, int]]:
        return self._service.drain()

    def log_level(self, request: Request, _to: Conversation) -> str:
        level = request.get("level")
        if level is not None and level not in logs.LEVELS:
            raise SettingError(f"a log level is one of {', '.join(logs.LEVELS)}")
        if level is not None:
            self._service.set_log_level(level)
        return logs.level()

    def tables(self, request: Request, _to: Conversation) -> Any:
        """All of them, or the entries of one: the newest first."""
        parts, name = self._service.parts, request.get("name")
        if name is None:
            return [asdict(table) for table in self._service.status.tables]
        if name not in parts.book.tables:
            raise SettingError(f"the rules have no table {name}")
        limit = min(int(request.get("limit") or 20), MOST_ENTRIES)
        now = parts.reactor.seconds()
        entries = parts.book.tables[name].live(now)[-limit:]
        return [
            {
                "key": one.key,
                "value": one.value,
                "left": None if one.until == FOREVER else one.until - now,
            }
            for one in reversed(entries)
        ]

    def tap(self, request: Request, to: Conversation) -> object:
        """Line by line, until the reader goes or has what it wanted."""
        if self._taps >= MOST_TAPS:
            raise SettingError(f"{MOST_TAPS} taps are open already")
        wish, parts = Wish.of(request), self._service.parts
        tap = Tap(wish, to.send, to.finish, parts.reactor.seconds)
        names = parts.book.program.routes
        matching = [name for name in names if wish.route is None or fnmatchcase(name, wish.route)]
        to.send({"ok": True, "result": {"routes": len(matching)}})
        self._taps += 1
        parts.feed.listen(tap)

        def gone() -> None:
            self._taps -= 1
            parts.feed.leave(tap)

        to.on_end(gone)
        return STREAMING
