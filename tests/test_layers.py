"""The house's one-way order: each part imports only from those before it. The plan is enforced, not drawn."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RANKS = {
    name: rank
    for rank, names in enumerate(
        [
            ["errors", "shipped"],
            ["message"],
            ["wire"],
            ["language"],
            ["words"],
            ["routing"],
            ["convert"],
            ["secrets", "logs", "clock", "sending"],
            ["notices"],
            ["broker", "kamailio"],
            ["operate"],
            ["service"],
            ["tap"],
            ["cli"],
        ]
    )
    for name in names
}
LANGUAGE = [
    "span",
    "word",
    "values",
    "tree",
    "types",
    "regex",
    "schema",
    "program",
    "places",
    "cache",
    "findings",
    "parsing",
    "slips",
    "parse",
    "outline",
    "source",
    "declaring",
    "declare",
    "checking",
    "check",
    "compiling",
    "compile",
    "format_expression",
    "format",
    "manual",
]
"""The rooms of `language`, in the order in which a rule file passes through them."""
FIRST_WITH_TWISTED = RANKS["logs"]
FILES = sorted((ROOT / "kzrules").rglob("*.py"))


def part_of(path):
    return path.relative_to(ROOT / "kzrules").with_suffix("").parts[0]


def imports(path):
    """Every module that a file imports, wherever in it the import stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names)
            case ast.ImportFrom(module=module, level=0):
                yield from (
                    [f"kzrules.{name.name}" for name in node.names] if module == "kzrules" else [module]
                )
            case ast.ImportFrom():
                yield "a relative import"


def may_import(part, other):
    """A part may import itself and what stands before it; parts of one rank do not know each other."""
    return other == part or (RANKS[other] < RANKS[part])


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_imports_only_from_the_parts_before_its_own(path):
    part = part_of(path)
    if part == "__init__":
        return
    assert part in RANKS, f"{part} has no place in the order yet: give it one here and in the architecture"
    for module in imports(path):
        assert module != "a relative import", f"{path} imports relatively"
        top, _, rest = module.partition(".")
        other = rest.partition(".")[0]
        if top == "kzrules" and other in RANKS:
            assert may_import(part, other), f"{path} imports {module}"


def rooms_imported(path):
    """The rooms of `language` that a file of it imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.ImportFrom(module="kzrules.language", names=names):
                yield from (name.name for name in names)
            case ast.ImportFrom(module=str(module)) if module.startswith("kzrules.language."):
                yield module.split(".")[2]


@pytest.mark.parametrize(
    "path", sorted((ROOT / "kzrules/language").rglob("[!_]*.py")), ids=lambda path: path.stem
)
def test_a_room_of_the_language_imports_only_from_the_rooms_before_it(path):
    own = path.relative_to(ROOT / "kzrules/language").with_suffix("").parts[0]
    assert own in LANGUAGE, f"{own} has no place in the order yet"
    for room in rooms_imported(path):
        assert LANGUAGE.index(room) <= LANGUAGE.index(own), f"{path} imports {room}"


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if RANKS.get(part_of(path), 0) < FIRST_WITH_TWISTED],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_nothing_before_the_broker_imports_twisted_or_pika(path):
    foreign = {module.partition(".")[0] for module in imports(path)}
    assert not foreign & {"twisted", "pika"}


def test_one_file_imports_pika():
    importers = {path.name for path in FILES if "pika" in {m.partition(".")[0] for m in imports(path)}}
    assert all(part_of(path) == "broker" for path in FILES if path.name in importers)
    assert all(name.startswith("amqp") for name in importers)


@pytest.mark.parametrize(
    "module", ["kzrules.routing.book", "kzrules.routing.load", "kzrules.words", "kzrules.cli"]
)
def test_importing_it_brings_in_neither_twisted_nor_pika(module):
    """A reactor is installed by the first import of one: `check` and `trace` must never do that."""
    program = f"import {module}, sys; print(sorted({{'twisted', 'pika'}} & set(sys.modules)))"
    shown = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "[]"


def test_the_testbed_starts_nodes_with_the_standard_library_alone():
    """`make` runs it before there is a virtual environment."""
    foreign = "{'twisted', 'cryptography'} & set(sys.modules)"
    program = f"import testbed, testbed.bootstrap, sys; print(sorted({foreign}))"
    shown = subprocess.run(
        [sys.executable, "-S", "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "[]"
