"""What kind the keys of a table are, from the rules that write it: `delete ... where` reads them."""

from collections.abc import Iterator

from kzrules.language.checking.names import Names
from kzrules.language.tree import ListExpr, Literal, Node, TableSet, Template, children
from kzrules.language.types import Known
from kzrules.language.word import Kind


def key_kinds(names: Names, table: str) -> Known:
    """The kinds of a table's keys, where every rule that writes it shows them; else nothing is claimed."""
    if not names.key_kinds:
        for write in _writes(names):
            names.key_kinds.setdefault(write.table, set()).add(_kind(write))
    found = names.key_kinds.get(table, {None})
    if None in found:
        return None
    kinds = {"list": Kind.LIST, "text": Kind.TEXT}
    return frozenset(kinds[kind] for kind in found if kind is not None)


def _kind(write: TableSet) -> str | None:
    if isinstance(write.key, ListExpr):
        return "list"
    plain = isinstance(write.key, Template) or (
        isinstance(write.key, Literal) and isinstance(write.key.value, str)
    )
    return "text" if plain else None


def _writes(names: Names) -> Iterator[TableSet]:
    waiting: list[Node] = [item for file in names.files for item in file.declarations]
    while waiting:
        node = waiting.pop()
        if isinstance(node, TableSet):
            yield node
        waiting += children(node)
