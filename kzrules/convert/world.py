"""What the translation of every block shares: names, kinds of variables, tables, flows, gaps."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kzrules.convert import nodes as n
from kzrules.convert.flow import Flow
from kzrules.convert.pick import Picked
from kzrules.convert.place import Gap, Place
from kzrules.convert.uses import ANSWER, Key
from kzrules.language import tree as t
from kzrules.words import WORDS

UNKNOWN, TEXT, INTEGER, TRUTH, OBJECT, LIST, NULL = "?", "text", "integer", "truth", "object", "list", "null"
"""Kinds of values. None: nothing has set it yet, so it may be any."""
Kind = str | None

KEYWORDS = frozenset(
    {
        "let", "if", "then", "else", "match", "for", "in", "return", "use", "delete", "where",
        "emit", "after", "as", "lasting", "and", "or", "not", "with", "matches", "true", "false", "null",
        "done", "retry", "reject", "when", "has",
    }
)  # fmt: skip
TAKEN = {"payload": "message", "received": "received_text", "meta": "meta_value", "node": "node_name",
         "key": "the_key", "value": "the_value",
         "reply": "response", "query": "question", "publish": "message"}  # fmt: skip
"""Names that mean something else in rules."""

_WORD_KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(
        ("kz_encode", "lower", "upper", "trim", "replace", "replace_matches", "join", "before", "after_text",
         "before_last", "after_last", "substr", "unquote", "md5", "sha256", "hex", "unhex", "base64",
         "unbase64",
         "uuid", "format_time", "text", "json", "key"),
        TEXT,
    ),
    **dict.fromkeys(("uri_user", "uri_host", "uri_domain", "uri_transport", "uri_scheme"), TEXT),
    **dict.fromkeys(("uri_param", "param"), TEXT),
    **dict.fromkeys(("len", "int", "count_text", "count", "now", "now_ms", "increment"), INTEGER),
    **dict.fromkeys(("contains", "starts_with", "ends_with", "cidr_match", "has"), TRUTH),
    **dict.fromkeys(("split", "keys", "values", "captures", "chunks", "sort", "unique"), LIST),
    **dict.fromkeys(("query", "without", "merge"), OBJECT),
}  # fmt: skip


def join(one: Kind, other: Kind) -> Kind:
    """What is either of two kinds. An empty text before an object is put together is no text of its own."""
    if one is None or one == other:
        return other
    if other is None:
        return one
    if NULL in (one, other):
        return one if other == NULL else other
    return UNKNOWN


def identifier(text: str) -> str:
    """A name of rules out of any other."""
    plain = re.sub(r"\W+", "_", text.strip("\"'$() "), flags=re.ASCII).strip("_").lower() or "unnamed"
    if plain in KEYWORDS:
        return f"{plain}_"
    return plain if re.match(r"[a-z_]", plain) else f"x_{plain}"


@dataclass(slots=True)
class TableInfo:
    """A table of htable: its time to live in seconds (0: for ever), its first value, where it is declared."""

    name: str
    ttl: int = 0
    first: str | int | None = None
    place: Place | None = None
    before: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class World:
    """One conversion. Translating a block adds to it; it is translated again while kinds are learnt."""

    config: n.Config
    picked: Picked
    flows: Mapping[str, Flow]
    definitions: Mapping[str, str]
    fork: bool = False
    tables: dict[str, TableInfo] = field(default_factory=dict)
    used_tables: set[str] = field(default_factory=set)
    used_settings: dict[str, t.Expr] = field(default_factory=dict)
    kinds: dict[str, Kind] = field(default_factory=dict)
    learnt: dict[str, Kind] = field(default_factory=dict)
    """Kinds that this round has seen; `kinds` are those of the round before."""
    drains: dict[str, str] = field(default_factory=dict)
    """The route that takes what a queue held, by the queue's name."""
    queues: dict[str, "tuple[n.Body, n.Block]"] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)
    steps: int = 0
    subscriptions: list["n.Call"] = field(default_factory=list)
    node: str = ""
    timeout: int = 2000
    timeout_key: Key | None = None
    block: str = ""
    """The block that is translated: variables of one name are others in another."""
    _names: dict[Key, str] = field(default_factory=dict)
    _routes: dict[str, str] = field(default_factory=dict)

    def again(self) -> bool:
        """Begin a round with what the last one learnt; False when that changes nothing any more."""
        settled = self.learnt == self.kinds
        self.kinds, self.learnt = dict(self.learnt), {}
        self.gaps, self.notes, self.steps = [], {}, 0
        self.used_tables, self.used_settings, self.subscriptions = set(), {}, []
        return not settled

    def name_of(self, key: Key) -> str:
        """A variable's name in rules."""
        if key not in self._names:
            plain = "answer" if key == ANSWER else identifier(key[1])
            wanted = TAKEN.get(plain, plain)
            settings = {f"{group}_{name}".lower() for group, name in self.config.settings}
            others = {*self._names.values(), *self.tables, *settings}
            self._names[key] = fresh(wanted, others)
        return self._names[key]

    def route_of(self, name: str) -> str:
        """A subroutine's name in rules."""
        if name not in self._routes:
            plain = identifier(re.sub(r"^(onreply|failure)_route ", "", name))
            self._routes[name] = fresh(plain, {*self._routes.values(), *WORDS})
        return self._routes[name]

    def variables(self) -> set[str]:
        """The names that variables have so far."""
        return set(self._names.values())

    def learn(self, name: str, kind: Kind, block: str | None = None) -> None:
        """A variable is set to a value of this kind; `name[]` is an entry of a table, or a setting."""
        key = self.kept_as(name, block)
        self.learnt[key] = join(self.learnt.get(key), kind)

    def known(self, name: str, block: str | None = None) -> Kind:
        """What the round before has learnt of a variable."""
        return self.kinds.get(self.kept_as(name, block))

    def kept_as(self, name: str, block: str | None) -> str:
        """Where the kind of a variable is kept."""
        return name if name.endswith("[]") else f"{self.block if block is None else block} {name}"

    def note(self, what: str) -> None:
        """Something that the summary counts, and that is no gap."""
        self.notes[what] = self.notes.get(what, 0) + 1

    def kind(self, value: t.Expr) -> Kind:  # noqa: C901, PLR0911, PLR0912  one case for each
        """What is known of a value."""
        match value:
            case t.Literal(value=None):
                return NULL
            case t.Literal(value=bool()) | t.Matches() | t.In() | t.Unary(op="not"):
                return TRUTH
            case t.Literal(value=int()):
                return INTEGER
            case t.Literal(value=str()) | t.Template():
                return TEXT
            case t.ObjectExpr() | t.With() | t.Name(id="received" | "payload"):
                return OBJECT
            case t.ListExpr():
                return LIST
            case t.Name(id="node"):
                return TEXT
            case t.Name(id=name):
                return self.kinds[f"{name}[]"] if f"{name}[]" in self.kinds else self.known(name)
            case t.Field(base=t.Name(id="meta")):
                return TEXT
            case t.Index(base=t.Call(name="split")):
                return TEXT
            case t.Index(base=t.Name(id=table)) if table in self.tables:
                return self.kinds.get(f"{table}[]")
            case t.Call(name=name):
                return _WORD_KINDS.get(name, UNKNOWN)
            case t.Binary(op="+" | "-" | "*" | "/" | "%"):
                return INTEGER
            case t.Binary(op="??", left=left, right=right):
                return join(self.kind(left), self.kind(right))
            case t.Binary():
                return TRUTH
            case t.IfExpr(then=then, otherwise=otherwise):
                return join(self.kind(then), self.kind(otherwise))
        return UNKNOWN


def fresh(wanted: str, taken: Iterable[str]) -> str:
    """A name that nothing has yet."""
    others = set(taken)
    name, number = wanted, 2
    while name in others:
        name, number = f"{wanted}_{number}", number + 1
    return name
