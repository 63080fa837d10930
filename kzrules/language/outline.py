"""What a file declares, without the bodies: all that is needed of rules whose code is kept.

It is kept by the file's text. `source` asks here in place of the parser where a program is loaded, and
`load` has it kept once it knows what the program says.
"""

import pickle
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from kzrules.language import cache
from kzrules.language import tree as t
from kzrules.language.findings.diagnostic import Diagnostic
from kzrules.language.parse import parse

KIND = "outline"


class Outline(t.RuleFile):
    """A file whose routes, timers and expiries have no bodies; subroutines, hooks and tests are left out."""

    __slots__ = ()


def is_one(file: t.RuleFile) -> bool:
    """Tell whether it is no whole file."""
    return isinstance(file, Outline)


def read(text: str, path: str) -> tuple[t.RuleFile, list[Diagnostic]]:
    """Return the outline of a file if one is kept, else what `parse` does."""
    kept = cache.read(KIND, cache.key_of(path, text))
    if kept is not None:
        return pickle.loads(kept), []  # noqa: S301  a private folder, checked by the cache
    return parse(text, path)


def keep(tree: t.RuleFile, text: str, passwords: Iterable[str]) -> None:
    """Remember a file in which nothing was found: not one with a password, for an outline quotes texts."""
    if not cache.quotes_login(text) and not any(password in text for password in passwords):
        cache.write(KIND, cache.key_of(tree.path, text), pickle.dumps(of(tree)))


def of(tree: t.RuleFile) -> Outline:
    """Leave the bodies out."""
    short = (_short(item) for item in tree.declarations)
    kept = tuple(item for item in short if item is not None)
    return Outline(path=tree.path, declarations=kept, span=tree.span)


def _short(item: t.Declaration) -> Any:
    match item:
        case t.EventRoute():
            return replace(item, when=None, body=_nothing(item), comments=t.NO_COMMENTS)
        case t.Every() | t.OnExpired():
            return replace(item, body=_nothing(item), comments=t.NO_COMMENTS)
        case t.Route() | t.OnHook() | t.Test() | t.Language():
            return None
    return item


def _nothing(item: t.Node) -> t.Block:
    return t.Block(statements=(), span=item.span)
