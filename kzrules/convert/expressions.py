"""Variables with their transformations, the last of what a value may be. `statements` asks for each value."""

from abc import ABC

from kzrules.convert import make
from kzrules.convert.edits import edited
from kzrules.convert.pseudo import Pseudo, Transformation, parts, whole
from kzrules.convert.transform import BY_NAME, ESCAPES, TAKES_ANY
from kzrules.convert.variables import Variables
from kzrules.convert.world import OBJECT, TEXT
from kzrules.language import tree as t


class Expressions(Variables, ABC):
    """Translates values of every kind."""

    def pseudo(self, pseudo: Pseudo) -> t.Expr:
        """A pseudo-variable with its transformations."""
        given = list(pseudo.transformations)
        if given and given[0].name == "re.subst" and self.is_json(pseudo):
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
