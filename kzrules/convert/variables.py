"""What each pseudo-variable is in rules: events, variables of scripts, tables, settings, the clock.

`expressions` applies the transformations that follow it.
"""

import re
from abc import ABC

from kzrules.convert import make
from kzrules.convert.json_paths import Paths
from kzrules.convert.pseudo import Pseudo, whole
from kzrules.convert.uses import ANSWER
from kzrules.convert.world import INTEGER, LIST, TEXT, TableInfo, identifier
from kzrules.language import tree as t

SHARED = "shared"
"""The table that holds `$shv(...)`."""


class Variables(Paths, ABC):
    """Translates variables without their transformations."""

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


def _time_of(inner: str) -> t.Expr | None:
    match inner:
        case "s" | "sn":
            return make.call("now")
        case "Sn" | "S":
            return make.call("format_time", make.literal("%s.%f"))
        case "u" | "un":
            return make.call("format_time", make.literal("%f"))
    return None
