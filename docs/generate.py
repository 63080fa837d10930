"""Writes the generated pages, `docs/language.md` and `docs/words.md`: `python docs/generate.py`."""  # noqa: INP001  a script, in no package

from pathlib import Path

from kzrules.language.manual import language_page, words_page
from kzrules.words import WORDS

DOCS = Path(__file__).resolve().parent


def pages() -> dict[Path, str]:
    """Each generated page, by the file that it belongs in."""
    grammar = (DOCS.parent / "grammar" / "kzrules.lark").read_text(encoding="utf-8")
    return {DOCS / "language.md": language_page(grammar), DOCS / "words.md": words_page(WORDS)}


if __name__ == "__main__":
    for path, page in pages().items():
        path.write_text(page, encoding="utf-8")
