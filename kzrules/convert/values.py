"""Numbers, texts and what `+` makes of them, as values of rules. Every value of a statement passes through.

`expressions` adds variables to it, `conditions` what is true or false.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence

from kzrules.convert import make
from kzrules.convert import nodes as n
from kzrules.convert.draft import Draft
from kzrules.convert.json_text import NotJson, Part, Reader, looks_like_json
from kzrules.convert.pseudo import Pseudo, parts, whole
from kzrules.convert.transform import only_escapes
from kzrules.convert.world import INTEGER, NULL, TEXT
from kzrules.language import tree as t


class Values(Draft, ABC):
    """Translates values as the configuration has them, but for what a variable is."""

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

    @abstractmethod
    def condition(self, node: n.Value) -> t.Expr:
        """True or false; `conditions` says how."""

    @abstractmethod
    def pseudo(self, pseudo: Pseudo) -> t.Expr:
        """A pseudo-variable with its transformations; `expressions` says how."""

    @abstractmethod
    def setting(self, path: str) -> t.Expr:
        """`cfg_get.group.name`; `variables` says how."""

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


def operands(node: n.Value) -> list[n.Value]:
    """What `+` puts together."""
    if isinstance(node, n.Operation) and node.op == "+":
        return [*operands(node.left), node.right]
    return [node]


def _has_braces(value: t.Node) -> bool:
    match value:
        case t.Template() | t.ObjectExpr() | t.Spread():
            return True
        case t.Literal(value=str(text)):
            return "{" in text or "}" in text or "\n" in text
    return any(map(_has_braces, t.children(value)))
