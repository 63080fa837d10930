"""What the compiler knows while it is at one file: the program around it, constants, nodes to watch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kzrules.language.compiling.python import Expression, Python, Statement
from kzrules.language.tree import Node
from kzrules.language.word import Words

TEXT, TRUTH, SMALL, NUMBER = 1, 2, 4, 8
"""What is known of an expression before it runs: always text; always true or false; no larger
than the payload or the rule that it stands in, so that nothing can grow by it; never true or false
but a number or a duration."""
PLAIN = (type(None), bool, int, float, str)
"""Kinds of values that Python's code objects hold themselves."""

Made = tuple[Expression, int]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression among the constants of a file: compiled where the file is loaded."""

    pattern: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a file must know of its program. `hooks` has the functions behind each `on NAME`, in order;
    `waiting` the functions that may wait, by their Python names.
    """

    words: Words
    settings: Mapping[str, Any]
    tables: frozenset[str]
    routes: frozenset[str]
    hooks: Mapping[str, Sequence[str]]
    waiting: frozenset[str]


@dataclass(slots=True)
class Unit:
    """One file being compiled; `number` parts its constants from those of other files."""

    path: str
    number: int
    around: Surroundings
    watched: bool = False
    constants: list[Any] = field(default_factory=list)
    known: dict[Any, str] = field(default_factory=dict)
    words: set[str] = field(default_factory=set)
    nodes: list[Node] = field(default_factory=list)
    functions: list[Statement] = field(default_factory=list)

    def constant(self, value: Any) -> str:
        """The name by which the code reads a value that it cannot hold itself."""
        if isinstance(value, dict | list):
            return self._another(value)
        key = (value.__class__, value)
        if key not in self.known:
            self.known[key] = self._another(value)
        return self.known[key]

    def _another(self, value: Any) -> str:
        self.constants.append(value)
        return constant_name(self.number, len(self.constants) - 1)

    def watch(self, node: Node) -> int:
        """The number that a recorder is told of a node."""
        self.nodes.append(node)
        return len(self.nodes) - 1


def constant_name(unit: int, number: int) -> str:
    """The global name of a constant."""
    return f"constant {unit}.{number}"


def watch_name(unit: int) -> str:
    """The global name of the function that an instrumented file tells of its nodes."""
    return f"watch {unit}"


def word_name(name: str) -> str:
    """The global name of a word's function."""
    return f"word {name}"


def route_name(name: str) -> str:
    """The global name of a subroutine's function, as tracebacks show it."""
    return f"route {name}"


def fixed(unit: Unit, py: Python, value: Any) -> Expression:
    """A value that is known at load."""
    if value.__class__ in PLAIN:
        return py.constant(value)
    return py.name(unit.constant(value))
