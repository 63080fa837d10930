"""JSON-RPC to one Kamailio's control plane: over HTTP (xhttp) or a unix datagram socket. `bridge` makes one.

Questions are correlated by an id that nobody can guess, bounded in number, and each has its timeout.
"""

import json
from typing import Any, Protocol
from uuid import uuid4

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from kzrules.message.action import Answer, Answered, Remote, Rpc, Unanswered
from kzrules.message.payload import dumps

MOST_OPEN = 1_000
"""Questions that may be open at once, those that wait for a free connection included."""
LONGEST_REFUSAL = 200


class NotAnswered(Exception):  # noqa: N818  it is an answer to the rule
    """`why` is what the rule's `else (why)` gets."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def in_time(asking: "Deferred[bytes]", seconds: float, reactor: Any) -> "Deferred[bytes]":
    """However what was asked ends when its time is over, it is a timeout."""
    return asking.addTimeout(seconds, reactor, lambda *_: Failure(NotAnswered("timeout")))  # type: ignore[no-untyped-call]  # Twisted's


class Transport(Protocol):
    """Carries one request and brings what answers it."""

    async def exchange(self, request_id: str, body: bytes, seconds: float) -> bytes:
        """The response to a request; NotAnswered says why there is none."""

    def start(self) -> None:
        """Be ready."""

    def stop(self) -> "Deferred[Any]":
        """Close what is open."""


class JsonRpc:
    """Asks one Kamailio."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.open = 0
        self.asked = 0
        self.unanswered = 0

    def ask(self, rpc: Rpc) -> "Deferred[Answer]":
        """The word's value; never fails."""
        return Deferred.fromCoroutine(self._ask(rpc))

    async def _ask(self, rpc: Rpc) -> Answer:
        if self.open >= MOST_OPEN:
            self.unanswered += 1
            return Unanswered("busy")
        self.asked += 1
        self.open += 1
        request_id = uuid4().hex
        try:
            response = await self.transport.exchange(request_id, request(rpc.remote, request_id), rpc.timeout)
            return Answered(read(rpc.remote, request_id, response))
        except NotAnswered as failed:
            self.unanswered += 1
            return Unanswered(failed.why)
        finally:
            self.open -= 1


def request(remote: Remote, request_id: str) -> bytes:
    """A request of JSON-RPC 2.0."""
    return dumps({"jsonrpc": "2.0", "method": remote.method, "params": remote.params, "id": request_id})


def read(remote: Remote, request_id: str, response: bytes) -> Any:
    """The word's value; NotAnswered for a refusal, and for what is no answer to this request."""
    try:
        answer = json.loads(response)  # Kamailio writes bytes into its texts that strict readers refuse
    except ValueError:
        raise NotAnswered("bad_reply") from None
    if not isinstance(answer, dict) or answer.get("id") != request_id:
        raise NotAnswered("bad_reply")
    error = answer.get("error")
    if error is not None:
        return _refused(remote, error)
    try:
        return remote.read(answer.get("result"))
    except (KeyError, TypeError, IndexError, ValueError):
        raise NotAnswered("bad_reply") from None


def _refused(remote: Remote, error: Any) -> None:
    """Null where the refusal means that there is none."""
    message = str(error.get("message", error)) if isinstance(error, dict) else str(error)
    if message.startswith(remote.absent):
        return
    raise NotAnswered(f"refused: {message[:LONGEST_REFUSAL]}")
