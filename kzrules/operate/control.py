"""The control socket: one JSON line in, one JSON line out, and for a tap as many as it shows.

A unix socket that only its owner may open. What can be asked for is a mapping of commands that
the service hands in; `kzrules ctl` is the other end.
"""

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.protocols.basic import LineOnlyReceiver
from twisted.protocols.policies import TimeoutMixin
from twisted.python.failure import Failure
from zope.interface import implementer

from kzrules.errors import KzError, SettingError

MOST_REQUEST = 65_536
"""Bytes of a request."""
PATIENCE = 10.0
"""Seconds in which a request must have come."""
MOST_AT_ONCE = 32
"""Conversations at one time, taps among them."""

_log = Logger()


@implementer(IPushProducer)
class Conversation(LineOnlyReceiver, TimeoutMixin):
    """One question and its answer. `send` writes further lines for as long as the reader reads."""

    delimiter = b"\n"
    MAX_LENGTH = MOST_REQUEST

    def __init__(self, commands: "Commands", talking: "set[Conversation]") -> None:
        self._commands = commands
        self._talking = talking
        self._wire: Any = None
        self._asked = False
        self._reads = True
        self._on_end: list[Callable[[], object]] = []

    def connectionMade(self) -> None:  # noqa: N802  Twisted's
        """Somebody is there."""
        self._wire = self.transport
        self._talking.add(self)
        self.setTimeout(PATIENCE)  # type: ignore[no-untyped-call]  # Twisted's
        if len(self._talking) > MOST_AT_ONCE:
            self.refuse(f"{MOST_AT_ONCE} conversations are open already")
        self._wire.registerProducer(self, True)  # noqa: FBT003  streaming, as Twisted wants it said

    def lineReceived(self, line: bytes) -> None:  # noqa: N802  Twisted's
        """The request."""
        if self._asked:
            return
        self._asked = True
        self.setTimeout(None)  # type: ignore[no-untyped-call]  # Twisted's
        try:
            request = json.loads(line)
            command = self._commands[request["do"]]
        except (ValueError, KeyError, TypeError, RecursionError):
            known = ", ".join(self._commands)
            self.refuse(f'that is no request: send {{"do": NAME}}, where NAME is one of {known}')
            return
        doing = maybeDeferred(command, request, self)
        doing.addCallbacks(self._done, self._failed)

    def lineLengthExceeded(self, line: bytes) -> None:  # noqa: ARG002, N802  Twisted's
        """Nobody has so much to ask."""
        self.refuse(f"a request has at most {MOST_REQUEST} bytes")

    def on_end(self, callback: Callable[[], object]) -> None:
        """Call back when the reader has gone."""
        self._on_end.append(callback)

    def send(self, line: Mapping[str, Any] | bytes) -> bool:
        """Write a line; False where the reader does not keep up: then nothing is written."""
        if not self._reads:
            return False
        raw = line if isinstance(line, bytes) else json.dumps(line).encode()
        self._wire.write(raw + b"\n")
        return True

    def finish(self) -> None:
        """All is said."""
        self._wire.unregisterProducer()
        self._wire.loseConnection()

    def refuse(self, why: str) -> None:
        """Say why not, and end."""
        self.send({"ok": False, "error": why})
        self.finish()

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]  # noqa: ARG002, N802  Twisted's
        """The reader has gone."""
        self._talking.discard(self)
        self._reads = False
        self.setTimeout(None)  # type: ignore[no-untyped-call]  # Twisted's
        callbacks, self._on_end = self._on_end, []
        for callback in callbacks:
            callback()

    def pauseProducing(self) -> None:  # noqa: N802  Twisted's
        """The reader does not keep up."""
        self._reads = False

    def resumeProducing(self) -> None:  # noqa: N802  Twisted's
        """It has caught up."""
        self._reads = True

    def stopProducing(self) -> None:  # noqa: N802  Twisted's
        """It has gone."""
        self._reads = False

    def _done(self, result: Any) -> None:
        if result is STREAMING or self not in self._talking:
            return
        self.send({"ok": True, "result": result})
        self.finish()

    def _failed(self, failure: Failure) -> None:
        if not isinstance(failure.value, KzError):
            _log.failure("a command of the control socket failed: please report it", failure)
        findings = [vars_of(one) for one in getattr(failure.value, "findings", ())]
        self.send({"ok": False, "error": failure.getErrorMessage(), "findings": findings})
        self.finish()


STREAMING = object()
"""What a command gives that answers by itself, line by line."""
Command = Callable[[Mapping[str, Any], Conversation], Any]
"""The result, or a Deferred of it, as JSON; KzError with a sentence for whoever asked."""
Commands = Mapping[str, Command]


def vars_of(value: Any) -> dict[str, Any]:
    """A slotted dataclass as an object."""
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


class Control(Factory):
    """Listens on `path`; nobody but the owner of this process may connect."""

    noisy = False

    def __init__(self, reactor: Any, path: str, commands: Commands) -> None:
        self._commands = commands
        self._talking: set[Conversation] = set()
        old = os.umask(0o177)  # from its first moment on
        try:
            self._port = reactor.listenUNIX(path, self, mode=0o600, wantPID=True)
        except (CannotListenError, OSError) as error:
            why = getattr(error, "socketError", error)
            raise SettingError(
                f"--control: {path} cannot be listened on ({why}): another kzrules may have it, or the"
                " folder is missing or not writable"
            ) from None
        finally:
            os.umask(old)

    def buildProtocol(self, addr: Any) -> Conversation:  # noqa: ARG002, N802  Twisted's
        """One conversation."""
        return Conversation(self._commands, self._talking)

    def stop(self) -> Any:
        """Listen no more; a Deferred or None."""
        for one in list(self._talking):
            one.finish()
        return self._port.stopListening()
