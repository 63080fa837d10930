"""Which functions may wait: those that ask, and those that call them. Found before code is made."""

from collections.abc import Iterator, Mapping, Sequence

from kzrules.language.compiling.unit import route_name
from kzrules.language.tree import Call, Emit, Node, OnHook, Route, RuleFile, children
from kzrules.language.word import ASKING, Words


def hook_functions(files: Sequence[RuleFile]) -> dict[str, tuple[str, ...]]:
    """The functions behind each `on NAME`, in the order of the files."""
    found: dict[str, tuple[str, ...]] = {}
    for item in (item for file in files for item in file.declarations):
        if isinstance(item, OnHook):
            found[item.name] = (*found.get(item.name, ()), hook_name(item))
    return found


def hook_name(item: OnHook) -> str:
    """The global name of one `on NAME` block."""
    return f"on {item.name} line {item.span.line}:{item.span.column} of {item.span.file}"


def waiting(files: Sequence[RuleFile], hooks: Mapping[str, Sequence[str]], words: Words) -> frozenset[str]:
    """The names of the functions that may wait."""
    calls: dict[str, set[str]] = {}
    found: set[str] = set()
    for item in (item for file in files for item in file.declarations):
        if not isinstance(item, Route | OnHook):
            continue
        name = route_name(item.name) if isinstance(item, Route) else hook_name(item)
        calls[name] = set()
        for node in _below(item.body):
            match node:
                case Call(name=called):
                    calls[name].add(route_name(called))
                    if called in words and words[called].doing in ASKING:
                        found.add(name)
                case Emit(name=hook):
                    calls[name].update(hooks.get(hook, ()))
    return frozenset(_spread(found, calls))


def _spread(found: set[str], calls: Mapping[str, set[str]]) -> set[str]:
    """Whoever calls one that waits, waits."""
    while True:
        more = {name for name, called in calls.items() if name not in found and called & found}
        if not more:
            return found
        found |= more


def _below(node: Node) -> Iterator[Node]:
    yield node
    for child in children(node):
        yield from _below(child)
