"""The tree of a Kamailio configuration, as far as rules need it: what `parser` makes."""

from dataclasses import dataclass, field

from kzrules.convert.place import Place, UnreadableError


@dataclass(frozen=True, slots=True)
class Text:
    """A text; variables in it are found where its meaning is known."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number; Kamailio has no others."""

    value: int
    place: Place


@dataclass(frozen=True, slots=True)
class Variable:
    """A pseudo-variable as it is written: `$var(x)`, `$(kzE{kz.json,From})`."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class Select:
    """`@cfg_get.group.name`."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class Bare:
    """A word that stands for itself: the name of a route, a state."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments."""

    name: str
    arguments: tuple["Value", ...]
    place: Place

    def argument(self, at: int) -> "Value":
        """One of them; one that is not there is empty."""
        return self.arguments[at] if at < len(self.arguments) else Text("", self.place)


@dataclass(frozen=True, slots=True)
class Operation:
    """Two sides and an operator, spelt as `and or == != =~ !~ < > <= >= + - * / %` and others."""

    op: str
    left: "Value"
    right: "Value"
    place: Place


@dataclass(frozen=True, slots=True)
class Prefix:
    """`not`, `-`, `defined`, `strlen`, `strempty`, `int`, `str`."""

    op: str
    value: "Value"
    place: Place


Value = Text | Number | Variable | Select | Bare | Call | Operation | Prefix


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A statement with the comments about it."""

    place: Place
    before: tuple[str, ...] = ()
    trailing: str | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """`{ ... }`; `inside`: comments before the closing brace."""

    steps: tuple["AnyStep", ...]
    inside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Set(Step):
    """`target = value;`"""

    target: Variable
    value: Value


@dataclass(frozen=True, slots=True)
class If(Step):
    """`if (...) ... else ...`"""

    condition: Value
    then: Body
    otherwise: Body | None


@dataclass(frozen=True, slots=True)
class While(Step):
    """`while (...) ...`"""

    condition: Value
    body: Body


@dataclass(frozen=True, slots=True)
class Case:
    """`case V:` with what stands under it; `value` None is `default`."""

    value: Value | None
    body: Body


@dataclass(frozen=True, slots=True)
class Switch(Step):
    """`switch (...) { case ...: }`"""

    subject: Value
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Do(Step):
    """A function that stands alone."""

    call: Call


@dataclass(frozen=True, slots=True)
class Leave(Step):
    """`return`, `exit`, `drop`, `break`."""

    word: str
    value: Value | None = None


AnyStep = Set | If | While | Switch | Do | Leave


@dataclass(frozen=True, slots=True)
class Block:
    """`route[NAME] { }`, `event_route[NAME] { }`, `failure_route[NAME] { }`..."""

    kind: str
    name: str
    body: Body
    place: Place
    before: tuple[str, ...] = ()
    unreadable: UnreadableError | None = field(default=None, compare=False)
    """Why its body is empty: it could not be read, which counts only where rules need it."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """`modparam("module", "name", value)`."""

    modules: tuple[str, ...]
    name: str
    value: str | int
    place: Place
    before: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration."""

    blocks: tuple[Block, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    settings: dict[tuple[str, str], tuple[str | int, Place]] = field(default_factory=dict)
    """`group.name = value`: what `$sel(cfg_get.group.name)` reads."""
