"""The reference pages say what the grammar and the words say now."""

import runpy
from pathlib import Path

import pytest

from kzrules.language.manual import kinds, signature
from kzrules.language.word import ANY, Kind
from kzrules.words import WORDS

DOCS = Path(__file__).parents[2] / "docs"
PAGES = runpy.run_path(str(DOCS / "generate.py"))["pages"]()


@pytest.mark.parametrize("path", list(PAGES), ids=lambda path: path.name)
def test_a_generated_page_is_fresh(path):
    assert path.read_text(encoding="utf-8") == PAGES[path], "run `python docs/generate.py`"


def test_the_pages_name_every_word_and_every_declaration():
    page = PAGES[DOCS / "words.md"]
    assert [name for name in WORDS if f"### {name}\n" not in page] == []
    assert [
        form
        for form in ("event_route", "subscribe", "table", "every", "test")
        if form not in PAGES[DOCS / "language.md"]
    ] == []


def test_a_signature_shows_defaults_names_and_rests():
    assert signature(WORDS["trim"]) == "trim(text, characters = null)"
    assert signature(WORDS["key"]) == "key(segments...)"
    assert signature(WORDS["query"]) == "query(exchange, key, body, timeout: 2s, headers: {})"


def test_kinds_are_listed_as_a_person_lists_them():
    assert kinds(ANY) == "any value"
    assert kinds(frozenset({Kind.NULL, Kind.INTEGER, Kind.DECIMAL})) == "number or null"
    assert kinds(frozenset({Kind.TEXT, Kind.LIST, Kind.OBJECT})) == "text, list or object"
