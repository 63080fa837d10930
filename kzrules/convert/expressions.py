"""Values of Kamailio as values of rules. `statements` asks for each value of a statement."""

import re
from collections.abc import Sequence
from dataclasses import replace

from kzrules.convert import make
from kzrules.convert import nodes as n
from kzrules.convert.json_text import NotJson, Part, Reader, looks_like_json
from kzrules.convert.place import Gap, Place, marked
from kzrules.convert.pseudo import Pseudo, Transformation, parts, whole
from kzrules.convert.transform import BY_NAME, ESCAPES, TAKES_ANY, only_escapes
from kzrules.convert.uses import ANSWER
from kzrules.convert.world import INTEGER, LIST, NULL, OBJECT, TEXT, TableInfo, World, fresh, identifier
from kzrules.language import tree as t

OF_THE_BROKER = {"AMQP-Broker-Zone": "zone"}
"""What the module wrote into a payload, and rules find in `meta`."""
SHARED = "shared"
"""The table that holds `$shv(...)`."""


class Expressions:
    """Translates values; what has no counterpart becomes null, with a gap above the statement."""

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

    # --- gaps

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

    # --- values

    def value(self, node: n.Value) -> t.Expr:  # noqa: C901, PLR0911, PLR0912  one case for each kind of node
        """A value of any kind."""
        match node:
            case n.Number(value=number):
                return make.literal(number)
            case n.Text(text=text):
                return self.glued(self.holes(text))
            case n.Variable(text=text):
                pseudo = whole(text)
                if pseudo is None:
                    return self.unknown("variable", f"`{text}` cannot be read")
                return self.pseudo(pseudo)
            case n.Select(text=text):
                return self.setting(text.removeprefix("@"))
            case n.Bare(text=text):
                return self.defined(text)
            case n.Operation(op="+"):
                return self.sum(node)
            case n.Operation(op="-" | "*" | "/" | "%" as op, left=left, right=right):
                made = make.binary(op, self.integer(left), self.integer(right))
                return make.call("int", made) if op == "/" else made
            case n.Prefix(op="-", value=inner):
                value = self.integer(inner)
                if isinstance(value, t.Literal) and isinstance(value.value, int):
                    return make.literal(-value.value)
                return t.Unary("-", value, span=make.HERE)
            case n.Prefix(op="int", value=inner):
                return self.integer(inner)
            case n.Prefix(op="str", value=inner):
                return self.text(inner)
            case n.Prefix(op="strlen", value=inner):
                return make.call("len", self.text(inner))
        return make.either(self.condition(node), make.literal(1), make.literal(0))

    def condition(self, node: n.Value) -> t.Expr:
        """True or false; `conditions` says how."""
        raise NotImplementedError

    def defined(self, word: str) -> t.Expr:
        """A word that stands for itself, which definitions have already replaced."""
        self.gap("variable", f"`{word}` is defined nowhere in what was read")
        return make.NULL

    def text(self, node: n.Value) -> t.Expr:
        """A value as Kamailio would write it."""
        return self.as_text(self.value(node))

    def as_text(self, value: t.Expr) -> t.Expr:
        """A value as text: what is missing is empty."""
        if self.world.kind(value) == TEXT:
            return value
        if isinstance(value, t.Literal):
            return make.template([value]) if value.value is not None else make.literal("")
        return make.call("text", value)

    def integer(self, node: n.Value) -> t.Expr:
        """A value as a number: what is none counts as 0, as in Kamailio."""
        return self.as_integer(self.value(node))

    def as_integer(self, value: t.Expr) -> t.Expr:
        """The same of a value of rules."""
        kind = self.world.kind(value)
        if kind == INTEGER:
            return value
        if isinstance(value, t.Literal) and isinstance(value.value, str):
            return make.literal(int(value.value) if re.fullmatch(r"-?[0-9]{1,18}", value.value) else 0)
        if kind == NULL:
            return make.literal(0)
        given = value if kind == TEXT else make.binary("??", value, make.literal(0))
        return make.call("int", given, default=make.literal(0))

    def sum(self, node: n.Operation) -> t.Expr:
        """`+`: numbers are added where the left side is one, everything else is put together as text."""
        sides = operands(node)
        given: list[Part] = []
        for one in sides:
            given += self.holes(one.text) if isinstance(one, n.Text) else [one]
        if any(isinstance(one, n.Text) for one in sides) and looks_like_json(given):
            return self.glued(given)
        made = self.value(sides[0])
        for one in sides[1:]:
            right = self.value(one)
            kind = self.world.kind(made)
            if kind in (INTEGER, NULL, None) and self.world.kind(right) != TEXT:
                left = make.literal(0) if kind == NULL else made
                made = make.binary("+", left, self.as_integer(right) if kind is not None else right)
            else:
                made = make.template([self.in_template(made), self.in_template(right)])
        return made

    def holes(self, text: str) -> list[Part]:
        """A text with the variables in it."""
        return [one if isinstance(one, str) else n.Variable(one.text, self.here) for one in parts(text)]

    def glued(self, given: Sequence[Part]) -> t.Expr:
        """A text of parts: a value where it is whole JSON, else a template."""
        if looks_like_json(given):
            try:
                return Reader(given, self.in_quotes, self.value).whole()
            except NotJson:
                self.world.note("JSON that is put together in pieces, as text")
        if len(given) == 1 and not isinstance(given[0], str):
            return self.value(given[0])
        return make.template(
            [one if isinstance(one, str) else self.in_template(self.value(one)) for one in given]
        )

    def in_quotes(self, node: n.Value) -> t.Expr:
        """A value within quotes of glued JSON: what only escaped it is left out."""
        pseudo = whole(node.text) if isinstance(node, n.Variable) else None
        if pseudo is not None and pseudo.name == "_s" and pseudo.inner and (inner := whole(pseudo.inner)):
            pseudo = inner
        if pseudo is not None and (count := only_escapes(pseudo.transformations)):
            self.world.note("escapes that only served glued JSON, left out")
            kept = pseudo.transformations[:-count]
            return self.in_template(
                self.pseudo(Pseudo(pseudo.name, pseudo.inner, pseudo.index, kept, pseudo.text))
            )
        return self.in_template(self.value(node))

    def in_template(self, value: t.Expr) -> t.Expr:
        """A value that may stand between braces: one that holds texts with braces gets a name first."""
        inner = isinstance(value, t.Template | t.Literal)
        return value if inner or not _has_braces(value) else self.hoisted(value, "part")

    # --- variables

    def pseudo(self, pseudo: Pseudo) -> t.Expr:
        """A pseudo-variable with its transformations."""
        given = list(pseudo.transformations)
        if given and given[0].name == "re.subst" and self.is_json(pseudo):
            from kzrules.convert.edits import edited  # noqa: PLC0415  it needs this class

            value = self.plain(pseudo)
            while given and given[0].name == "re.subst":
                changed = edited(self, value, given[0].rest)
                if changed is None:
                    return self.unknown("json text", f"`{{re.subst,{given[0].rest}}}` edits JSON as text")
                value = changed
                given.pop(0)
        elif given and given[0].name in ("kz.json", "kz.json.count") and pseudo.name == "kzE":
            if not self.payload:
                return self.unknown("payload", "there is no event here, so there is no `$kzE`")
            value = self.path(None, given[0])
            given.pop(0)
        else:
            value = self.plain(pseudo)
        for one in given:
            value = self.transformed(value, one)
        return value

    def is_json(self, pseudo: Pseudo) -> bool:
        """Whether a variable holds an object."""
        if pseudo.name in ("kzE", "kzR"):
            return True
        return pseudo.key is not None and self.world.kind(make.name(self.world.name_of(pseudo.key))) in (
            OBJECT,
            None,
        )

    def transformed(self, value: t.Expr, given: Transformation) -> t.Expr:  # noqa: PLR0911  one case for each
        """A value with one transformation."""
        if given.name in ("kz.json", "kz.json.count"):
            kind = self.world.kind(value)
            if kind == TEXT:
                value = make.call("parse_json", value, default=make.obj(()))
            return self.path(value, given)
        if given.name == "s.int":
            return self.as_integer(value)
        if given.name in ESCAPES:
            self.world.note("escapes that only served glued JSON, left out")
            return self.as_text(value)
        if given.name == "s.select" and (item := self.selected(value, given)) is not None:
            return item
        if any(isinstance(one, Pseudo) for one in parts(given.rest)):
            return self.with_variables(value, given)
        if given.name == "s.ftime":
            value = self.as_integer(value)
        made = BY_NAME.get(given.name)
        as_it_is = given.name in TAKES_ANY
        result = made(value if as_it_is else self.as_text(value), given) if made is not None else None
        if result is None:
            return self.unknown("transformation", f"`{{{given.name},{given.rest}}}` has no counterpart")
        return result

    def with_variables(self, value: t.Expr, given: Transformation) -> t.Expr:
        """A transformation whose arguments are variables: those that take one text."""
        words = {"s.replace": "replace", "param.value": "param", "s.rm": "replace"}
        cut = [
            make.template(
                [one if isinstance(one, str) else self.in_template(self.pseudo(one)) for one in parts(part)]
            )
            for part in given.arguments()
        ]
        if given.name == "s.replace" and len(cut) == 2:
            return make.call(words[given.name], self.as_text(value), *cut)
        if given.name == "param.value" and cut:
            return make.binary("??", make.call("param", self.as_text(value), cut[0]), make.literal(""))
        if given.name == "s.select" and len(cut) >= 2:
            number = self.as_integer(self.glued(self.holes(given.arguments()[0])))
            item = make.index(make.call("split", self.as_text(value), self._sign(given)), number)
            return make.binary("??", item, make.literal(""))
        return self.unknown("transformation", f"`{{{given.name},{given.rest}}}` has no counterpart")

    @staticmethod
    def _sign(given: Transformation) -> t.Literal:
        return make.literal(given.rest.partition(",")[2] or ",")

    def selected(self, value: t.Expr, given: Transformation) -> t.Expr | None:
        """`{s.select,$var(i),,}` within a loop over the parts."""
        pseudo = whole(given.rest.partition(",")[0].strip())
        if pseudo is None or pseudo.key is None:
            return None
        parted = make.call("split", self.as_text(value), self._sign(given))
        return self.item(parted, make.name(self.world.name_of(pseudo.key)))

    def item(self, of: t.Expr, at: t.Expr) -> t.Expr | None:
        """The item of the loop around, where this is what the loop runs over."""
        for iterable, variable, name in reversed(self.items):
            if isinstance(at, t.Name) and at.id == variable and _same(iterable, of):
                return make.name(name)
        return None

    def plain(self, pseudo: Pseudo) -> t.Expr:  # noqa: C901, PLR0911, PLR0912  one case for each variable
        """A variable without its transformations."""
        inner = pseudo.inner or ""
        match pseudo.name:
            case "null":
                return make.NULL
            case "kzE" if not self.payload:
                return self.unknown("payload", "there is no event here, so there is no `$kzE`")
            case "kzE":
                return make.name("received")
            case "kzRK":
                return make.field(make.name("meta"), "routing_key")
            case "_s":
                return self.glued(self.holes(inner))
            case "def" | "defn" | "defv" | "defs":
                return self.definition(inner)
            case "sel":
                return self.setting(inner)
            case "sht":
                return self.entry(inner)
            case "shtinc" | "shtdec":
                step = () if pseudo.name == "shtinc" else (make.literal(-1),)
                return make.call("increment", self.entry(inner), *step)
            case "shv":
                self.world.used_tables.add(SHARED)
                return make.index(make.name(SHARED), make.literal(inner))
            case "shtrecord" | "mqk" | "mqv":
                name = self.record.get(inner if pseudo.name == "shtrecord" else pseudo.name)
                return (
                    make.name(name) if name else self.unknown("variable", f"`{pseudo.text}` is not set here")
                )
            case "TS" | "Ts":
                return make.call("now")
            case "TV":
                return _time_of(inner) or self.unknown("variable", f"`{pseudo.text}` has no counterpart")
            case "TF" | "Tf":
                return make.call("format_time", make.literal("%a %b %d %H:%M:%S %Y"))
            case "uuid":
                return make.call("uuid")
            case "HN" | "knode":
                return make.name("node")
            case "ki":
                return make.field(None, "Msg-ID")
            case "cnt":
                counted = whole(inner)
                if counted is not None and counted.key is not None:
                    return make.call("len", self.known_list(make.name(self.world.name_of(counted.key))))
        if pseudo.key is not None:
            return self.variable(pseudo)
        return self.unknown("variable", f"`{pseudo.text}` is Kamailio's own")

    def variable(self, pseudo: Pseudo) -> t.Expr:
        """`$var(x)`, `$avp(x)`, `$(avp(keys)[$var(i)])`, `$kzR`."""
        key = pseudo.key or ANSWER
        if key in self.pops and pseudo.index in (None, "0", "*"):
            return make.name(self.pops[key])
        name = make.name(self.world.name_of(key))
        if pseudo.index is None or pseudo.index.strip() in ("*", ""):
            return name
        at = self.as_integer(self.glued(self.holes(pseudo.index)))
        if self.world.kind(name) not in (LIST, None):
            return name
        return self.item(name, at) or make.index(name, at)

    def known_list(self, value: t.Expr) -> t.Expr:
        """A value that may be missing, as a list."""
        known = isinstance(value, t.Binary) and value.op == "??" and isinstance(value.right, t.ListExpr)
        if known or self.world.kind(value) == LIST:
            return value
        return make.binary("??", value, make.listed(()))

    def definition(self, name: str) -> t.Expr:
        """`$def(NAME)`: a word of the preprocessor."""
        text = self.world.definitions.get(name)
        if text is None and name in {one.strip("\"'") for one in self.world.definitions.values()}:
            text = name  # a substitution has been here before
        if text is None:
            return self.unknown("variable", f"`{name}` is defined nowhere in what was read")
        plain = text.strip().strip("\"'")
        if plain and plain == self.world.node:
            return make.name("node")
        return make.literal(int(plain)) if re.fullmatch(r"-?[0-9]{1,18}", plain) else make.literal(plain)

    def setting(self, path: str) -> t.Expr:
        """`cfg_get.group.name`: a setting of rules."""
        steps = path.split(".")
        if len(steps) != 3 or steps[0] != "cfg_get":
            return self.unknown("variable", f"`{path}` is Kamailio's own")
        found = self.world.config.settings.get((steps[1], steps[2]))
        name = f"{steps[1]}_{steps[2]}".lower()
        if found is None:
            return self.unknown("setting", f"nothing in what was read sets `{steps[1]}.{steps[2]}`")
        self.world.used_settings[name] = make.literal(found[0])
        self.world.learn(f"{name}[]", INTEGER if isinstance(found[0], int) else TEXT)
        return make.name(name)

    def entry(self, inner: str) -> t.Index:
        """`table=>key`"""
        table, _, key = inner.partition("=>")
        name = self.table(table.strip())
        return make.index(make.name(name), self.as_text(self.glued(self.holes(key.strip()))))

    def table(self, table: str) -> str:
        """A table's name in rules; one that nothing declares is declared."""
        name = identifier(table)
        self.world.tables.setdefault(name, TableInfo(name))
        self.world.used_tables.add(name)
        return name

    # --- paths

    def path(self, base: t.Expr | None, given: Transformation) -> t.Expr:
        """`{kz.json,a.b[1]}`: steps of fields and items; `{kz.json.count,...}`: how many."""
        value = self.along(base, given.rest)
        if given.name == "kz.json.count":
            return make.call("len", self.known_list(value))
        return value

    def along(self, base: t.Expr | None, path: str) -> t.Expr:
        """A path of the module: `%` is a dot within a name, a second index is not looked at."""
        given = list(parts(path.strip()))
        if len(given) == 1 and isinstance(given[0], Pseudo):
            whole_path = self.as_text(self.pseudo(given[0]))
            return make.call("kz_json", make.name("received") if base is None else base, whole_path)
        value = base
        for step in _segments(given):
            names, at = _index_of(step)
            value = self.field_at(value, names)
            if at is not None:
                value = self.at(value, at)
        return value if value is not None else make.name("received")

    def field_at(self, base: t.Expr | None, names: Sequence[str | Pseudo]) -> t.Expr:
        """A field, whose name may hold variables."""
        if all(isinstance(one, str) for one in names):
            name = "".join(map(str, names)).replace("%", ".")
            if base is None and name in OF_THE_BROKER:
                return make.field(make.name("meta"), OF_THE_BROKER[name])
            return make.field(base, name)
        made = make.template(
            [
                one.replace("%", ".") if isinstance(one, str) else self.in_template(self.pseudo(one))
                for one in names
            ]
        )
        key: t.Expr = made
        if isinstance(made, t.Template) and len(made.parts) == 1 and not isinstance(made.parts[0], str):
            key = self.as_text(made.parts[0])
        return t.Index(base, key, span=make.HERE)

    def at(self, value: t.Expr, given: Sequence[str | Pseudo]) -> t.Expr:
        """An item. What is no number is 0, as in the module."""
        if len(given) == 1 and isinstance(given[0], Pseudo):
            number = self.as_integer(self.pseudo(given[0]))
        else:
            text = "".join(one if isinstance(one, str) else one.text for one in given).strip()
            if not text:
                return value
            number = make.literal(int(text) if re.fullmatch(r"-?[0-9]{1,9}", text) else 0)
        return self.item(value, number) or make.index(value, number)


def operands(node: n.Value) -> list[n.Value]:
    """What `+` puts together."""
    if isinstance(node, n.Operation) and node.op == "+":
        return [*operands(node.left), node.right]
    return [node]


def _same(one: t.Expr, other: t.Expr) -> bool:
    """The same list, whether or not `?? []` stands behind it."""

    def bare(value: t.Expr) -> t.Expr:
        return value.left if isinstance(value, t.Binary) and value.op == "??" else value

    return bare(one) == bare(other)


def _has_braces(value: t.Node) -> bool:
    match value:
        case t.Template() | t.ObjectExpr() | t.Spread():
            return True
        case t.Literal(value=str(text)):
            return "{" in text or "}" in text or "\n" in text
    return any(map(_has_braces, t.children(value)))


def _time_of(inner: str) -> t.Expr | None:
    match inner:
        case "s" | "sn":
            return make.call("now")
        case "Sn" | "S":
            return make.call("format_time", make.literal("%s.%f"))
        case "u" | "un":
            return make.call("format_time", make.literal("%f"))
    return None


def _segments(given: Sequence[str | Pseudo]) -> list[list[str | Pseudo]]:
    """A path between its dots; empty steps are passed over."""
    made: list[list[str | Pseudo]] = [[]]
    for one in given:
        if isinstance(one, Pseudo):
            made[-1].append(one)
            continue
        for at, piece in enumerate(one.split(".")):
            if at:
                made.append([])
            if piece:
                made[-1].append(piece)
    return [step for step in made if step]


def _index_of(step: Sequence[str | Pseudo]) -> tuple[list[str | Pseudo], list[str | Pseudo] | None]:
    """A step's name and what stands in its first brackets, closed or not."""
    signs: list[str | Pseudo] = [sign for one in step for sign in (one if isinstance(one, str) else [one])]
    if "[" not in signs:
        return _merged(signs), None
    opened = signs.index("[")
    rest = signs[opened + 1 :]
    return _merged(signs[:opened]), rest[: rest.index("]")] if "]" in rest else rest


def _merged(signs: Sequence[str | Pseudo]) -> list[str | Pseudo]:
    merged: list[str | Pseudo] = []
    for piece in signs:
        if isinstance(piece, str) and merged and isinstance(merged[-1], str):
            merged[-1] += piece
        else:
            merged.append(piece)
    return merged
