"""The reference pages: the language from its grammar's comments, the words from what they declare,
the findings from the pages of their codes.

`docs/generate.py` writes them, and a test fails when they are stale.
"""

import re
from collections.abc import Iterator, Mapping

from kzrules.language.findings.codes import Code
from kzrules.language.values import text
from kzrules.language.word import ANY, JSON, NUMBER, REQUIRED, Example, Kind, Parameter, Word, Words

_GROUPS = {
    "messages": "Messages",
    "log": "Log",
    "tables": "Tables",
    "text": "Text",
    "values": "Values",
    "time and chance": "Time and chance",
    "SIP and addresses": "SIP and addresses",
    "Kamailio": "Kamailio",
}
_WORDS_INTRODUCED = """\
The vocabulary of the rule language. A word that is given a kind of value that it does not take is a
failure of the rule, which the log shows with file and line; the checker finds it before where it can
be known. Every example below runs as a test.
"""
_LANGUAGE_INTRODUCED = """\
How rules are written, from the whole file down to a single character. What can be called in them is
in [words.md](words.md).
"""
_MADE = "<!-- Made by `python docs/generate.py`; change {source} instead. -->\n"


def words_page(words: Words) -> str:
    """The page of all words, by group, in the order of their names."""
    by_group: dict[str, list[Word]] = {}
    for word in sorted(words.values(), key=lambda word: word.name):
        by_group.setdefault(word.group, []).append(word)
    order = [*(group for group in _GROUPS if group in by_group), *sorted(set(by_group) - set(_GROUPS))]
    parts = [
        _MADE.format(source="the words in `kzrules/words`"),
        "# Words\n",
        _WORDS_INTRODUCED,
        *(f"- {_GROUPS.get(group, group)}: {_links(by_group[group])}" for group in order),
    ]
    for group in order:
        parts.append(f"\n## {_GROUPS.get(group, group)}\n")
        parts += [_word(word) for word in by_group[group]]
    return "\n".join(parts).rstrip() + "\n"


_FINDINGS_INTRODUCED = """\
What `kzrules check` finds, by its code. `kzrules explain KZ402` prints the same in a terminal. Every wrong
example gives its finding alone, every right one gives none: both run as tests.
"""
_CHAPTERS = {
    "KZ1": "Syntax",
    "KZ2": "Names",
    "KZ3": "Kinds and what can fail",
    "KZ4": "Reachability",
    "KZ5": "Delivery and topology",
    "KZ9": "Style",
}


def findings_page(codes: Mapping[str, Code]) -> str:
    """The page of all findings, by chapter, in the order of their codes."""
    parts = [
        _MADE.format(source="the pages in `kzrules/language/findings/explained`"),
        "# Findings\n",
        _FINDINGS_INTRODUCED,
    ]
    for start, chapter in _CHAPTERS.items():
        parts.append(f"\n## {chapter}\n")
        parts += [_finding(codes[code]) for code in sorted(codes) if code.startswith(start)]
    return "\n".join(parts).rstrip() + "\n"


def _finding(code: Code) -> str:
    parts = [f"### {code.code}\n", f"{code.severity.capitalize()}: {code.name}.\n", f"{code.about}\n"]
    for heading, example in (("Wrong", code.wrong), ("Right", code.right)):
        if example:
            fence = "console" if example.startswith("$ ") else "kzr"
            parts.append(f"{heading}:\n\n```{fence}\n{example.rstrip()}\n```\n")
    return "\n".join([*parts, f"When to silence it: {code.silence}\n"])


def _links(words: list[Word]) -> str:
    return " ".join(f"[{word.name}](#{word.name})" for word in words)


def _word(word: Word) -> str:
    parts = [f"### {word.name}\n", f"`{signature(word)}`\n", word.about + "\n"]
    parts += [_parameter(parameter) for parameter in word.parameters]
    if word.gives != frozenset({Kind.NULL}):
        parts.append(f"- gives {kinds(word.gives)}")
    if word.fallible:
        parts.append("- can fail: it needs an `else` block")
    parts += ["", "```kzr", *(_example(example) for example in word.examples), "```\n"]
    return "\n".join(parts)


def signature(word: Word) -> str:
    """The call as it is written, defaults included: `trim(text, characters = null)`."""
    return f"{word.name}({', '.join(_written(parameter) for parameter in word.parameters)})"


def _written(parameter: Parameter) -> str:
    if parameter.rest:
        return f"{parameter.name}..."
    name = f"{parameter.name}:" if parameter.named else parameter.name
    if parameter.default is REQUIRED:
        return name
    return (
        f"{name} {_value(parameter.default)}" if parameter.named else f"{name} = {_value(parameter.default)}"
    )


def _value(value: object) -> str:
    match value:
        case None:
            return "null"
        case str():
            return f'"{value}"'
        case dict():
            return "{}" if not value else text(value)
    return text(value)


def _parameter(parameter: Parameter) -> str:
    return f"- `{parameter.name}` ({kinds(parameter.kinds)}): {parameter.about}"


def kinds(given: frozenset[Kind]) -> str:
    """Kinds as a person lists them."""
    if given == ANY:
        return "any value"
    if given == JSON:
        return "any value of JSON"
    names = ["number"] if given >= NUMBER else []
    names += [kind.value for kind in Kind if kind in given and not (given >= NUMBER and kind in NUMBER)]
    names.sort(key=lambda name: name == "null")
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _example(example: Example) -> str:
    if example.gives is None and example.fails is None:
        return example.code
    end = f"fails: {example.fails}" if example.fails is not None else example.gives
    given = f", where the payload is {_payload(example)}" if example.given else ""
    return f"{example.code}  # {end}{given}"


def _payload(example: Example) -> str:
    return (
        "{ " + ", ".join(f'"{name}": {_value(value)}' for name, value in (example.given or {}).items()) + " }"
    )


def language_page(grammar: str) -> str:
    """The page of the grammar: each comment, and the productions that it stands before."""
    parts = [
        _MADE.format(source="the comments of `grammar/kzrules.lark`"),
        _LANGUAGE_INTRODUCED,
    ]
    for about, productions in _blocks(grammar):
        if about:
            parts.append("\n".join(about) + "\n")
        shown = [line for line in productions if line.strip() and not line.startswith("%")]
        if about and shown:
            parts += ["<details><summary>Grammar</summary>\n", "```lark", *shown, "```\n", "</details>\n"]
    return "\n".join(parts).rstrip() + "\n"


def _blocks(grammar: str) -> Iterator[tuple[list[str], list[str]]]:
    """Comments with what follows each of them, up to the next comment."""
    about: list[str] = []
    productions: list[str] = []
    for line in grammar.splitlines():
        comment = re.match(r"// ?(.*)", line)
        if comment and productions:
            yield about, productions
            about, productions = [], []
        (about if comment else productions).append(comment.group(1) if comment else line)
    yield about, productions
