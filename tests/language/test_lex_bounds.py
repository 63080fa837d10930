"""No text makes the lexer read a place of it again and again: an author cannot hang the service."""

import pytest

from kzrules.language.parse import parse
from kzrules.language.parsing.lexer import lex

SIZE = 300_000
PIECES = {
    "blanks": " ",
    "blank lines": "\n \n",
    "vertical tabs": " \v",
    "quotes escaped": "'\\",
    "pseudo-variables": "$(a",
    "texts that open braces": '"a{b{c',
    "patterns without an end": " matches /[^a]",
    "digits": "1_",
    "fields": ".Event-",
    "comments": "/*",
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("piece", PIECES.values(), ids=list(PIECES))
def test_a_long_text_of_one_piece_is_read_in_one_pass(piece):
    text = piece * (SIZE // len(piece))
    assert lex(text).ends[-1:] <= [len(text)]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("piece", ["[^a]", "[]a]", "[^]a]"])
def test_a_pattern_that_is_not_closed_is_told_however_many_brackets_it_has(piece):
    _, findings = parse(f"every 1s {{ if node matches /{piece * 60}\n{{ done }} }}\n", "x.kzr")
    assert findings != []


def test_a_quote_that_is_not_closed_is_one_finding():
    _, findings = parse('every 1s { info("a") } \'\\a\\b\\c\n', "x.kzr")
    assert [(one.code, one.message) for one in findings] == [("KZ107", "nothing begins with `'` here")]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("text", ["(" * 60_000, "(" * 30_000 + "]" * 30_000, "{" * 30_000 + ")" * 30_000])
def test_brackets_that_do_not_fit_are_told_however_many_there_are(text):
    _, findings = parse(text, "x.kzr")
    assert findings != []
