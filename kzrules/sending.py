"""Bytes to the socket in the turn that made them: batches of publishes and acks, and answers to Kamailio.

Twisted's `write` asks epoll whether the socket takes anything, sends in the next turn, and tells
epoll that it is done: three system calls and a turn more for a socket that is nearly always free.
Each of them lets go of the interpreter, and a rule at work on a thread then keeps it for a while.
"""

from collections.abc import Callable
from typing import Any

from twisted.internet.abstract import FileDescriptor


def nowhere(_: bytes) -> None:
    """How to write where there is no transport yet, or no more."""


def is_plain(transport: Any) -> bool:
    """Whether its bytes go to a socket as they are.

    By its type: what Twisted wraps around a socket for TLS answers for each name that the socket has, and
    what is written past it goes out in clear.
    """
    return isinstance(transport, FileDescriptor) and not getattr(transport, "TLS", False)


def is_empty(transport: Any) -> bool:
    """Whether a plain transport holds nothing back."""
    return not transport.dataBuffer and not transport._tempDataLen  # noqa: SLF001  nothing public tells


def at_once(transport: Any) -> Callable[[bytes], None]:
    """How to write to `transport` now, in order with whatever its own `write` still holds.

    What the socket does not take goes the usual way, and so does everything where the transport is not
    plain (TLS, a test's). A socket that fails is the transport's to notice, when it tries the same bytes.
    """
    if not is_plain(transport):
        usual: Callable[[bytes], None] = transport.write
        return usual

    def write(data: bytes) -> None:
        if is_empty(transport):
            sent = transport.writeSomeData(data)
            if sent.__class__ is int and sent > 0:
                if sent == len(data):
                    return
                data = data[sent:]
        transport.write(data)

    return write
