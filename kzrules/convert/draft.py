"""A block of rules on its way: its statements, the comments that wait for one, and what could not be said.

`values` and all that builds on it write here.
"""

from dataclasses import replace

from kzrules.convert import make
from kzrules.convert.place import Gap, Place, marked
from kzrules.convert.world import World, fresh
from kzrules.language import tree as t


class Draft:
    """Takes statements; what has no counterpart becomes null, with a gap above the statement."""

    def __init__(self, world: World, *, payload: bool = True) -> None:
        self.world = world
        self.payload = payload
        self.out: list[t.Statement] = []
        self.pending: list[str] = []
        """Comments that wait for the next statement."""
        self.here = Place("", 1, 1, "")
        self.items: list[tuple[t.Expr, str, str]] = []
        """The loops around: the list, the variable that was its index, the name of its item."""
        self.pops: dict[tuple[str, str], str] = {}
        self.lengths: dict[str, t.Expr] = {}
        """Variables that hold the length of a list."""
        self.made_up: set[str] = set()
        self.in_log = False
        """What is not known is left out of a line of the log."""
        self.record: dict[str, str] = {}
        """What `$shtrecord(...)` and `$mqk`, `$mqv` are in this block."""

    def gap(self, kind: str, why: str, place: Place | None = None) -> None:
        """A comment above the next statement, and an entry of the summary."""
        where = place or self.here
        if any(old.kind == kind and old.why == why and old.place == where for old in self.world.gaps):
            return
        self.world.gaps.append(Gap(kind, why, where))
        source = where.quoted()
        self.pending += marked(kind, why)
        if source not in self.pending:
            self.pending.append(source)

    def unknown(self, kind: str, why: str) -> t.Expr:
        """A value that there is none of here: null under a name, for the author to fill in."""
        self.gap(kind, why)
        return make.literal("") if self.in_log else self.hoisted(make.NULL, "unknown")

    def hoisted(self, value: t.Expr, wanted: str) -> t.Name:
        """A value under a name of its own, set before the statement."""
        taken = {*self.made_up, *self.world.tables, *self.world.variables()}
        name = fresh(wanted, taken)
        self.made_up.add(name)
        self.add(make.assign(name, value))
        return make.name(name)

    def add(self, statement: t.Statement) -> None:
        """A statement, with the comments that wait for one."""
        if self.pending:
            statement = replace(statement, comments=t.Comments(before=tuple(self.pending)))
            self.pending = []
        self.out.append(statement)
