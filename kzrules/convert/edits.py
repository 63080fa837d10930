r"""Edits of JSON by regular expression, as fields that are set where they are there:
`{re.subst,/"State":"[^"]*"/"State":"early"/}` is `with { "State": "early" }`. `expressions` asks for each.
"""

import re

from kzrules.convert import make
from kzrules.convert import nodes as n
from kzrules.convert.json_text import NotJson, Part, Reader
from kzrules.convert.transform import pattern_of
from kzrules.convert.values import Values
from kzrules.language import tree as t

_BLANK = r"(?:\\s[*+?]?|\[ \]\*| [*?]?)*"
_FIELD = re.compile(
    rf'\(?\\?"(?P<name>[^"\\()\[\]]+)\\?"{_BLANK}:{_BLANK}\)?{_BLANK}(?P<value>.+?)\)?', re.DOTALL
)
_ANY = re.compile(r'\\?"?\(?(?:\[\^(?:\\?"|,)[^\]]*\]|\.|\[0-9\]|\\d|\[a-zA-Z0-9\])[*+]\??\)?\\?"?')
_CONSTANT = re.compile(r'\\?"(?P<text>[A-Za-z0-9_ @:./-]*)\\?"|(?P<number>-?[0-9]+)')
_NEW = re.compile(r'\\?"(?P<name>[^"\\$]+)\\?"\s*:\s*(?P<value>.*)', re.DOTALL)


def edited(owner: Values, base: t.Expr, rest: str) -> t.Expr | None:
    """The object after the edit; None where the pattern is not about one field."""
    cut = pattern_of(rest)
    if cut is None:
        return None
    old, new = _FIELD.fullmatch(cut[0].strip()), _NEW.fullmatch(cut[1].strip())
    if old is None or new is None:
        return None
    constant = _CONSTANT.fullmatch(old["value"])
    if constant is None and not _ANY.fullmatch(old["value"]):
        return None
    was = make.field(None if base == make.name("received") else base, old["name"])
    value = _value(owner, new["value"], was)
    if value is None:
        return None
    kept = base if old["name"] == new["name"] else make.call("without", base, make.literal(old["name"]))
    changed = make.copied(kept, [make.entry(make.literal(new["name"]), value)])
    if constant is None:  # what is not there was not edited either
        return make.either(make.binary("!=", was, make.NULL), changed, base)
    text = constant["text"] if constant["text"] is not None else int(constant["number"])
    return make.either(make.binary("==", was, make.literal(text)), changed, base)


def _value(owner: Values, text: str, was: t.Expr) -> t.Expr | None:
    r"""What is put in: JSON in which `\1` is the old value."""
    marked = re.sub(r'\\"', '"', text)
    given: list[Part] = []
    for part in owner.holes(marked):
        if isinstance(part, str):
            given += [
                n.Bare(piece, owner.here) if re.fullmatch(r"\\[0-9]", piece) else piece
                for piece in re.split(r"(\\[0-9])", part)
            ]
        else:
            given.append(part)

    reader = Reader(
        [one for one in given if one != ""],
        lambda node: was if isinstance(node, n.Bare) else owner.in_quotes(node),
        lambda node: was if isinstance(node, n.Bare) else owner.value(node),
    )
    try:
        return reader.whole()
    except NotJson:
        return None
