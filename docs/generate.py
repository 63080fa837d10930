"""Writes the generated pages, a part of `docs/migrating.md`, and the grammar's tables: `make docs`."""  # noqa: INP001  a script, in no package

import re
from hashlib import sha256
from pathlib import Path

from interop import differences
from kzrules.language.findings.codes import CODES
from kzrules.language.manual import findings_page, language_page, words_page
from kzrules.language.parsing.grammar import written
from kzrules.words import WORDS

DOCS = Path(__file__).resolve().parent


def pages() -> dict[Path, str]:
    """Each generated page, by the file that it belongs in."""
    grammar = (DOCS.parent / "grammar" / "kzrules.lark").read_text(encoding="utf-8")
    return {
        DOCS / "language.md": language_page(grammar),
        DOCS / "words.md": words_page(WORDS),
        DOCS / "findings.md": findings_page(CODES),
        DOCS / "migrating.md": migrating_page((DOCS / "migrating.md").read_text(encoding="utf-8")),
    }


def migrating_page(page: str) -> str:
    """The page with the list of differences as it is now."""
    begin, end = "<!-- differences:[^\n]*-->\n", "<!-- end of differences -->"
    told = differences.table()
    return re.sub(
        f"({begin}).*?({end})", lambda found: f"{found[1]}{told}\n{found[2]}", page, flags=re.DOTALL
    )


def tables(folder: Path) -> None:
    """The grammar's tables, if they are not those of the grammar: lark numbers them anew each time."""
    grammar = (folder / "kzrules.lark").read_text(encoding="utf-8")
    made = folder / "kzrules.json"
    if not made.exists() or sha256(grammar.encode()).hexdigest() not in made.read_text(encoding="utf-8"):
        made.write_text(written(grammar), encoding="utf-8")


if __name__ == "__main__":
    tables(DOCS.parent / "grammar")
    for path, page in pages().items():
        path.write_text(page, encoding="utf-8")
