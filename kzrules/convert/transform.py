"""Kamailio's transformations as words of rules: `{s.tolower}` is `lower(...)`."""

import re
from collections.abc import Callable

from kzrules.convert import make
from kzrules.convert.pseudo import Transformation
from kzrules.language import tree as t

Made = Callable[[t.Expr, Transformation], t.Expr | None]


def _word(word: str) -> Made:
    return lambda value, _: make.call(word, value)


def _or_empty(word: str) -> Made:
    return lambda value, _: make.binary("??", make.call(word, value), make.literal(""))


def _first_sign(word: str) -> Made:
    """A word that takes the sign behind the comma."""

    def made(value: t.Expr, given: Transformation) -> t.Expr | None:
        return make.call(word, value, make.literal(given.rest)) if given.rest else None

    return made


def _integer(text: str) -> int | None:
    return int(text) if re.fullmatch(r"\s*-?[0-9]+\s*", text) else None


def _substr(value: t.Expr, given: Transformation) -> t.Expr | None:
    numbers = [_integer(one) for one in given.arguments()]
    if len(numbers) != 2 or None in numbers:
        return None
    start, length = make.literal(numbers[0]), make.literal(numbers[1])
    return make.call("substr", value, start, *((length,) if numbers[1] else ()))


def _select(value: t.Expr, given: Transformation) -> t.Expr | None:
    number, _, sign = given.rest.partition(",")
    at, sign = _integer(number), sign or ","
    if at is None or at < -1:
        return None
    if at == -1:
        there = make.call("contains", value, make.literal(sign))
        return make.either(there, make.call("after_last", value, make.literal(sign)), value)
    item = make.index(make.call("split", value, make.literal(sign)), make.literal(at))
    return make.binary("??", item, make.literal(""))


def _replace(value: t.Expr, given: Transformation) -> t.Expr | None:
    old, _, new = given.rest.partition(",")
    old = old.replace("$$", "$").replace("\\'", "'").replace('\\"', '"')
    return (
        make.call("replace", value, make.literal(old), make.literal(new.replace("$$", "$"))) if old else None
    )


def _strip(value: t.Expr, given: Transformation) -> t.Expr | None:
    count = _integer(given.rest)
    return None if count is None else make.call("substr", value, make.literal(count))


def _strip_tail(value: t.Expr, given: Transformation) -> t.Expr | None:
    count = _integer(given.rest)
    if count is None:
        return None
    length = make.binary("-", make.call("len", value), make.literal(count))
    return make.call("substr", value, make.literal(0), length)


def _param(word: str) -> Made:
    def made(value: t.Expr, given: Transformation) -> t.Expr | None:
        name, _, sign = given.rest.partition(",")
        if not name or "$" in name:
            return None
        named = {"separator": make.literal(sign)} if sign and sign != ";" and word == "param" else {}
        return make.binary("??", make.call(word, value, make.literal(name), **named), make.literal(""))

    return made


def _substitute(value: t.Expr, given: Transformation) -> t.Expr | None:
    """`{re.subst,/pattern/text/flags}`"""
    if (found := pattern_of(given.rest)) is None:
        return None
    pattern, text, flags = found
    if "i" in flags:
        pattern = f"(?i){pattern}"
    new = re.sub(r"\\([0-9])", r"$\1", text.replace("$", "$$"))
    most = {} if "g" in flags else {"most": make.literal(1)}
    return make.call("replace_matches", value, make.literal(pattern), make.literal(new), **most)


def pattern_of(rest: str) -> tuple[str, str, str] | None:
    """The three parts of a substitution; its first sign parts them."""
    rest = rest.strip()
    if not rest:
        return None
    cut = re.split(rf"(?<!\\){re.escape(rest[0])}", rest[1:])
    if len(cut) != 3:
        return None
    plain = [one.replace(f"\\{rest[0]}", rest[0]) for one in cut]
    return plain[0], plain[1], plain[2]


def _trimmed(pattern: str) -> Made:
    return lambda value, _: make.call("replace_matches", value, make.literal(pattern), make.literal(""))


def _time(value: t.Expr, given: Transformation) -> t.Expr | None:
    if not given.rest or re.search(r"%[^YmdHMSfjaAbBsFT%]", given.rest):
        return None
    return make.call("format_time", make.literal(given.rest), value)


BY_NAME: dict[str, Made] = {
    "kz.encode": _word("kz_encode"),
    "s.len": _word("len"),
    "s.md5": _word("md5"),
    "s.sha256": _word("sha256"),
    "s.tolower": _word("lower"),
    "s.lower": _word("lower"),
    "s.toupper": _word("upper"),
    "s.upper": _word("upper"),
    "s.trim": _word("trim"),
    "s.ltrim": _trimmed(r"^\s+"),
    "s.rtrim": _trimmed(r"\s+$"),
    "s.rm": lambda value, given: make.call("replace", value, make.literal(given.rest), make.literal("")),
    "s.numeric": _trimmed("[^0-9]"),
    "s.substr": _substr,
    "s.select": _select,
    "s.replace": _replace,
    "s.strip": _strip,
    "s.striptail": _strip_tail,
    "s.before": _first_sign("before"),
    "s.after": _first_sign("after_text"),
    "s.rbefore": _first_sign("before_last"),
    "s.rafter": _first_sign("after_last"),
    "s.count": _first_sign("count_text"),
    "s.unquote": _word("unquote"),
    "s.unbracket": lambda value, _: make.call("trim", value, make.literal("<>")),
    "s.encode.hexa": _word("hex"),
    "s.decode.hexa": _word("unhex"),
    "s.encode.base64": _word("base64"),
    "s.decode.base64": _word("unbase64"),
    "s.ftime": _time,
    "uri.user": _or_empty("uri_user"),
    "uri.host": _or_empty("uri_host"),
    "uri.domain": _or_empty("uri_domain"),
    "uri.port": _or_empty("uri_port"),
    "uri.transport": _or_empty("uri_transport"),
    "uri.scheme": _or_empty("uri_scheme"),
    "uri.param": _param("uri_param"),
    "param.value": _param("param"),
    "tobody.user": _or_empty("uri_user"),
    "tobody.host": _or_empty("uri_host"),
    "re.subst": _substitute,
}
"""What takes a text and gives a value; None: this use of it has no counterpart."""

TAKES_ANY = frozenset({"s.ftime"})
"""What takes a number."""

ESCAPES = frozenset({"s.escape.common", "s.unescape.common"})
"""What only keeps glued JSON whole: values need none of it."""


def only_escapes(given: tuple[Transformation, ...]) -> int:
    """How many transformations at the end of a chain serve nothing but gluing a value into JSON: the
    escaping itself, and around it the removal of quotes and dollars.
    """
    count = 0
    for one in reversed(given):
        quoting = one.name == "s.replace" and re.fullmatch(r"""(\\*['"]|\$\$?)(,(\\*['"])?)?""", one.rest)
        if one.name not in ESCAPES and not quoting:
            break
        count += 1
    return count
