"""The clock that everything that has to do with connections waits by: the reactor's, or a test's."""

from collections.abc import Callable
from typing import Any, Protocol


class Timer(Protocol):
    """Something that will happen."""

    def active(self) -> bool:
        """True until it has happened or was cancelled."""

    def cancel(self) -> None:
        """It shall not happen."""


class Clock(Protocol):
    """The part of `IReactorTime` that is needed, in a form that a type checker reads."""

    def callLater(self, delay: float, call: Callable[..., Any], *args: Any) -> Timer:  # noqa: N802  Twisted's
        """Run `call` on the reactor thread, `delay` seconds from now."""

    def seconds(self) -> float:
        """The time now."""
