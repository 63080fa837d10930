"""The variables that a statement can see, and whether each was read."""

from dataclasses import dataclass, field
from enum import Enum

from kzrules.language.findings.diagnostic import Findings, Fix, Label
from kzrules.language.findings.short import error, warning
from kzrules.language.tree import Expr, Span
from kzrules.language.types import UNKNOWN, Info, Shape


class Place(Enum):
    """Where statements stand; it decides what they may say."""

    EVENT = "an event route"
    SUBROUTINE = "a subroutine"
    HOOK = "a hook"
    TIMER = "a timer"
    AFTER = "an `after` block"
    EXPIRED = "an `on expired` block"
    START = "kazoo:mod-init"
    CONNECTION = "a connection event"
    CONDITION = "a condition"
    TEST = "a test"


NOTHING_TO_SETTLE = frozenset({Place.TIMER, Place.AFTER, Place.EXPIRED, Place.START, Place.CONNECTION})
NO_PAYLOAD = frozenset({Place.TIMER, Place.EXPIRED, Place.START, Place.TEST})


@dataclass(slots=True)
class Variable:
    """One name that a body has set. `tell` False: nobody minds when it is never read."""

    name: str
    span: Span
    info: Info = UNKNOWN
    read: bool = False
    tell: str = ""
    fix: Fix | None = None


@dataclass(slots=True)
class Scope:
    """The names in sight, innermost last. `changed`: names that are set again somewhere in the body."""

    place: Place
    findings: Findings
    payload: Shape | None = None
    changed: frozenset[str] = frozenset()
    frames: list[dict[str, Variable]] = field(default_factory=lambda: [{}])
    gone: dict[str, Variable] = field(default_factory=dict)
    proven: list[frozenset[Expr]] = field(default_factory=list)
    """Places of the payload that cannot be null here, for a condition has looked at them."""
    loops: int = 0
    answering: int = 0
    """How many `else` blocks of fallible words lie around."""

    def find(self, name: str) -> Variable | None:
        """The variable that this name means here."""
        for frame in reversed(self.frames):
            if name in frame:
                return frame[name]
        return None

    def set(
        self, name: str, span: Span, info: Info = UNKNOWN, tell: str = "", fix: Fix | None = None
    ) -> None:
        """Make a variable. One that is made twice, or hides another, is a finding."""
        before = self.find(name)
        if before is not None:
            self._again(name, span, before, twice=name in self.frames[-1])
        known = UNKNOWN if name in self.changed else info
        self.frames[-1][name] = Variable(name, span, known, tell=tell, fix=fix)

    def _again(self, name: str, span: Span, before: Variable, *, twice: bool) -> None:
        labels = (Label(before.span, "set here"),)
        way_out = f"write `{name} = ...` to change it, or take another name"
        if twice:
            before.read = True
            text = f"`{name}` is set twice with `let`"
            self.findings.add(error("KZ207", text, span, labels=labels, help=way_out))
        else:
            text = f"this `{name}` hides another one until the block ends"
            self.findings.add(warning("KZ208", text, span, labels=labels, help=way_out))

    def enter(self) -> None:
        """A block begins."""
        self.frames.append({})
        self.proven.append(frozenset())

    def leave(self) -> None:
        """A block ends: what it set is out of sight, and what nobody read becomes a finding."""
        frame = self.frames.pop()
        self.proven.pop()
        self.close(frame)

    def close(self, frame: dict[str, Variable]) -> None:
        """Findings for the names of one block."""
        self.gone.update(frame)
        for variable in frame.values():
            if not variable.read and variable.tell and not variable.name.startswith("_"):
                self._never_read(variable)

    def _never_read(self, variable: Variable) -> None:
        text = f"`{variable.name}` is never read"
        way_out = f"take it away, or call it `_{variable.name}`"
        if variable.tell == "else":
            way_out = "write `else { ... }` without it, or say it: it is why there is no answer"
        self.findings.add(warning("KZ210", text, variable.span, help=way_out, fix=variable.fix))

    def prove(self, places: frozenset[Expr]) -> None:
        """These places are known not to be null until the block ends."""
        if places:
            self.proven[-1] = self.proven[-1] | places

    def is_proven(self, place: Expr) -> bool:
        """A condition before this has made sure that the place is not null."""
        return any(place in known for known in self.proven)
