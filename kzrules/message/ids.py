"""Random ids: UUIDs of version 4, drawn from the system by the hundred.

A draw lets go of the interpreter. One for each question made the thread at work stand in line for it
each time, behind the reactor: two changes of turn a question, which cost more than the id.
"""

import os
from collections import deque
from uuid import UUID

AT_ONCE = 128
"""Ids in one draw; with several threads at it, so many each at most lie here."""
_drawn: deque[str] = deque()
os.register_at_fork(after_in_child=_drawn.clear)  # or both would give out the same ones


def random_id() -> str:
    """One that nobody had before, as text; from any thread."""
    while True:
        try:
            return _drawn.popleft()
        except IndexError:
            _drawn.extend(_draw())


def _draw() -> list[str]:
    raw = os.urandom(16 * AT_ONCE)
    return [str(UUID(bytes=raw[at : at + 16], version=4)) for at in range(0, len(raw), 16)]
