"""Where something stands in a rule file. Nodes, findings and edits carry one."""

from typing import NamedTuple


class Span(NamedTuple):
    """A stretch of one file: lines and columns count from 1, `end_column` is one past the last.

    A tuple, for it is made in half the time of a dataclass, and a file has thousands.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
