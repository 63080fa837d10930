"""Parsed trees, kept: a file that has not changed is not parsed again. `source` calls."""

import pickle

from kzrules.language import cache
from kzrules.language.diagnostic import Diagnostic
from kzrules.language.tree import RuleFile
from kzrules.shipped import shipped

SMALL = 200
"""Below this many characters a file is parsed faster than it is found."""


def parse_kept(text: str, path: str) -> tuple[RuleFile, list[Diagnostic]]:
    """Parse, or give the tree that this text gave before. Only trees without findings are kept."""
    from kzrules.language.parse import parse  # noqa: PLC0415  not needed for what is kept

    if len(text) < SMALL:
        return parse(text, path)
    key = cache.key_of("tree 1", shipped("grammar").joinpath("kzrules.lark").read_bytes(), path, text)
    found = cache.read("tree", key)
    if found is not None:
        return pickle.loads(found), []  # noqa: S301  our own, in a folder that is ours alone, and checked
    tree, findings = parse(text, path)
    if not findings:
        cache.write("tree", key, pickle.dumps(tree, pickle.HIGHEST_PROTOCOL))
    return tree, findings
