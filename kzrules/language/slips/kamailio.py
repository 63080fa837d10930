"""What pseudo-variables, log levels and other words of Kamailio's configuration are here. `fingers`
asks.
"""

import re
from dataclasses import dataclass

NULLS = {
    "nil": "null", "None": "null", "NULL": "null", "Null": "null", "undefined": "null",
    "True": "true", "TRUE": "true", "False": "false", "FALSE": "false",
}  # fmt: skip
ROUTES = frozenset(
    {"request_route", "reply_route", "onreply_route", "failure_route", "branch_route", "onsend_route"}
)
SETTINGS = frozenset(
    {
        "loadmodule",
        "modparam",
        "loadpath",
        "mpath",
        "include_file",
        "import_file",
        "listen",
        "children",
        "fork",
    }
)

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(?<!-)")
_JSON = re.compile(r"\$\(kzE\{kz\.json,\s*([^{}]*?)\s*\}\)")
_JSON_OF = re.compile(r"\$\((var|avp|xavp|shv)\(([\w:]+)\)\{kz\.json,\s*([^{}]*?)\s*\}\)")
_VARIABLE = re.compile(r"\$\(?(?:var|avp|shv|vn|vz|def|defn)\((?:[si]:)?([^()]*)\)\)?")
_TABLE = re.compile(r"\$\(?sht\((\w+)=>([^()]*(?:\([^()]*\))?)\)\)?")
IN_TEXT = re.compile(
    r"\$\((?:[^()\"\n]|\((?:[^()\"\n])*\))*\)|\$(?:var|avp|xavp|shv|sht|def|hdr)\([^()\"\n]*\)|\$kz[ER]\w*|\$[a-z][A-Za-z]\b"
)

_BRACED = re.compile(r"\$(?=\{(?!\{))")
"""The dollar of JavaScript's and a shell's `${x}`."""
_VARIABLES = frozenset({"proto", "retcode", "branch", "conid", "version", "timef", "mbody", "body", "sndip"})

_LEVELS = {
    "ERR": "error", "CRIT": "error", "ALERT": "error", "BUG": "error", "WARN": "warn", "NOTICE": "info",
    "DBG": "debug", "DEBUG": "debug",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Meant:
    """What is written here in place of a pseudo-variable: its text, its tokens, and why."""

    code: str
    tokens: tuple[tuple[str, str], ...]
    code_of_finding: str
    message: str
    way_out: str = ""
    sure: bool = True
    name: str | None = None


def pseudo(text: str) -> Meant:  # noqa: PLR0911  one case for each kind of variable
    """What a pseudo-variable is here."""
    if text in ("$null", "$(null)"):
        return Meant("null", (("NULL", "null"),), "KZ133", "is written `null` here")
    if text in ("$kzE", "$(kzE)"):
        way_out = "write `payload`, or `.Name` for one of its fields"
        return Meant("payload", (("NAME", "payload"),), "KZ125", "is the payload", way_out)
    if found := _JSON.fullmatch(text):
        return _field(found[1], None, "KZ126")
    if found := _JSON_OF.fullmatch(text):
        return _field(found[3], word_of(found[2].split(":")[-1]), "KZ126")
    if found := _VARIABLE.fullmatch(text):
        name = word_of(found[1])
        return Meant(name, (("NAME", name),), "KZ127", "is a variable: it has its name only", name=name)
    if found := _TABLE.fullmatch(text):
        return _entry(found[1], found[2])
    name = text[1:]
    if name.isidentifier() and name.islower() and len(name) not in (2, 3) and name not in _VARIABLES:
        return Meant(name, (("NAME", name),), "KZ127", "is a variable: it has its name only", name=name)
    return Meant("null", (("NULL", "null"),), "KZ128", "is not known here", _elsewhere(text), sure=False)


def _entry(table: str, key: str) -> Meant:
    inner = pseudo(key).code if key.startswith("$") else f'"{key}"'
    code = f"{table}[{inner}]"
    tokens = (("NAME", table), ("OPEN_LIST", "["), ("TEXT", '""'), ("CLOSE_LIST", "]"))
    return Meant(
        code, tokens, "KZ127", "is an entry of a table", f"write `{code}`, with `table {table} {{ }}`"
    )


def _field(path: str, base: str | None, code: str) -> Meant:
    """A path of the module's JSON transformation."""
    names = path.split(".") if "." in path else [path]
    steps = [f".{name}" if _FIELD.fullmatch(name) else f'."{name}"' for name in names]
    written = (base or "") + "".join(steps)
    kinds = ["FIELD" if base is None and not at else "FURTHER" for at in range(len(names))]
    fields = tuple((kind, f".{name}") for kind, name in zip(kinds, names, strict=True))
    tokens = ((("NAME", base),) if base else ()) + fields
    return Meant(written, tokens, code, f"is written `{written}` here")


def _elsewhere(text: str) -> str:
    inner = text.strip("$()")
    if inner.startswith("kzE"):
        return "the payload is `payload`, its fields are `.Name`; words such as `lower(.Name)` change texts"
    if inner.startswith(("Ts", "TV", "TF")):
        return "write `now()`"
    if inner.startswith(("xavp", "sht")):
        return "write `x.name` for a field, `table[key]` for an entry of a table"
    return "rules see an event, no SIP message: write a field of the payload, as `.From`, or of `meta`"


def in_text(text: str) -> tuple[str, bool]:
    """A text with its pseudo-variables in braces, and whether there were any."""
    changed = _BRACED.sub("", IN_TEXT.sub(_braced, text))
    return changed, changed != text


def _braced(found: re.Match[str]) -> str:
    meant = pseudo(found[0])
    code = meant.code if meant.sure else "..."
    around = found.string[found.start() - 1 : found.start()] + found.string[found.end() : found.end() + 1]
    return code if around == "{}" else f"{{{code}}}"


def word_of(text: str) -> str:
    """A name of ours from one of Kamailio's."""
    plain = re.sub(r"\W", "_", text.strip("\"'$()"))
    return plain if _NAME.fullmatch(plain) else f"x_{plain}"


def level_word(function: str, level: str) -> str:
    """The log word for `xlog` with its level, or for `xinfo` and its like."""
    short = {"xwarn": "warn", "xerr": "error", "xdbg": "debug"}.get(function)
    if short:
        return short
    name = level.strip('"').removeprefix("L_")
    return _LEVELS.get(name, "info")
