"""What a word of the language declares about itself. `words/` holds the vocabulary, one word a file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Value = Any
"""A value of the language: None, bool, int, float, str, list, dict or datetime.timedelta (a duration)."""


class Kind(StrEnum):
    """The kinds of values, as messages spell them."""

    NULL = "null"
    TRUTH = "truth value"
    INTEGER = "integer"
    DECIMAL = "decimal"
    TEXT = "text"
    LIST = "list"
    OBJECT = "object"
    DURATION = "duration"


NUMBER = frozenset({Kind.INTEGER, Kind.DECIMAL})
TEXT = frozenset({Kind.TEXT})
ANY = frozenset(Kind)
JSON = ANY - {Kind.DURATION}


class Doing(StrEnum):
    """How the compiler turns a call of the word into Python."""

    VALUE = "value"
    """`call(*arguments)` gives a value and touches nothing else."""
    LOG = "log"
    """debug, info, warn, error: a line, at once."""
    PUBLISH = "publish"
    REPLY = "reply"
    QUERY = "query"
    """The rule waits for the answer."""
    ANSWER = "answer"
    """To Kamailio's question; the rule ends with it."""
    TELL = "tell"
    RPC = "rpc"
    """The rule waits for Kamailio. `call` makes the `Remote`; `timeout` and `on` are its last parameters."""
    INCREMENT = "increment"
    """The first argument is an entry of a table."""


ASKING = frozenset({Doing.QUERY, Doing.RPC})
"""The rule waits."""

REQUIRED = object()
"""The default of a parameter that has none."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: `kinds` are those it takes; `named` ones are only given as `name: value`."""

    name: str
    kinds: frozenset[Kind]
    about: str
    default: Any = REQUIRED
    named: bool = False
    rest: bool = False
    """True for a last parameter that takes all further arguments, as in `key("a", .Realm, "*")`."""


@dataclass(frozen=True, slots=True)
class Example:
    """An expression of the language and what it gives, both as written in a rule.

    `given` is the payload (JSON values) that the expression may read. `fails` is a part of the
    failure's message, in place of `gives`. Examples run as tests and stand in the documentation.
    """

    code: str
    gives: str | None = None
    fails: str | None = None
    given: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """A word: what it is for, what it takes, what it gives, whether and how it fails."""

    name: str
    about: str
    parameters: tuple[Parameter, ...]
    gives: frozenset[Kind]
    examples: tuple[Example, ...]
    call: Callable[..., Value] | None = None
    doing: Doing = Doing.VALUE
    fallible: bool = False
    """True: it reaches outside and needs an `else` block."""
    pure: bool = True
    """True: equal arguments give equal results, so constant calls are folded at load."""
    needs_run: bool = False
    """True: `call` takes the running event (its clock, uuid source and limits) as first argument."""
    in_place: str | None = None
    """The same in Python, over the parameters' names, where all arguments are texts: it stands in the
    rule itself where only the first one is not known at load."""
    needs_budget: bool = False
    """True: `call` takes who pays (`values.Budget`) as first argument, for it looks into lists and
    objects at every depth; such values are larger than the memory that they take."""
    group: str = "values"
    """The heading under which the documentation lists it."""


Words = Mapping[str, Word]
