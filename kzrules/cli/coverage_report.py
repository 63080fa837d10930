"""Coverage for other tools: lcov, Cobertura's XML, and a page of one's own."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

from kzrules.cli.check import store
from kzrules.cli.formats.junit import document
from kzrules.cli.report import shown
from kzrules.routing.coverage import Coverage, Item, by_file


def save(kind: str, path: Path, coverage: Coverage, texts: Mapping[str, str]) -> None:
    """Write one report."""
    match kind:
        case "lcov":
            store(path, lcov(coverage))
        case "cobertura":
            store(path, cobertura(coverage))
        case _:
            store(path, html(coverage, texts))


def lines_of(items: Sequence[Item]) -> dict[int, int]:
    """Hits by line: a line where something was missed counts as missed."""
    found: dict[int, int] = {}
    for item in items:
        line = item.span.line
        found[line] = min(found.get(line, item.hits), item.hits)
    return dict(sorted(found.items()))


def lcov(coverage: Coverage) -> str:
    """As geninfo(1) describes it."""
    out: list[str] = []
    for path, items in by_file(coverage).items():
        routes = [item for item in items if item.kind == "route"]
        branches = [item for item in items if item.kind == "branch"]
        lines = lines_of(items)
        out += ["TN:", f"SF:{shown(path)}"]
        out += [f"FN:{item.span.line},{_one_word(item)}" for item in routes]
        out += [f"FNDA:{item.hits},{_one_word(item)}" for item in routes]
        out += [f"FNF:{len(routes)}", f"FNH:{_hit(routes)}"]
        out += [f"BRDA:{item.span.line},0,{number},{item.hits}" for number, item in enumerate(branches)]
        out += [f"BRF:{len(branches)}", f"BRH:{_hit(branches)}"]
        out += [f"DA:{line},{hits}" for line, hits in lines.items()]
        out += [f"LF:{len(lines)}", f"LH:{sum(hits > 0 for hits in lines.values())}", "end_of_record"]
    return "".join(f"{line}\n" for line in out)


def _one_word(item: Item) -> str:
    return f"{item.name}@{item.span.line}".replace(",", "_").replace("\n", " ")


def _hit(items: Sequence[Item]) -> int:
    return sum(item.hits > 0 for item in items)


def _rate(ran: int, whole: int) -> str:
    return f"{ran / whole if whole else 1:.4f}"


def cobertura(coverage: Coverage) -> str:
    """As coverage-04.dtd has it."""
    files = by_file(coverage)
    lines = {path: lines_of(items) for path, items in files.items()}
    whole = [hits for found in lines.values() for hits in found.values()]
    ran, branches = coverage.of("branch")
    root = Element(
        "coverage",
        {
            "line-rate": _rate(sum(hits > 0 for hits in whole), len(whole)),
            "branch-rate": _rate(ran, branches),
            "lines-covered": str(sum(hits > 0 for hits in whole)),
            "lines-valid": str(len(whole)),
            "branches-covered": str(ran),
            "branches-valid": str(branches),
            "complexity": "0",
            "version": "kzrules",
            "timestamp": "0",
        },
    )
    SubElement(SubElement(root, "sources"), "source").text = "."
    rates = {
        "line-rate": root.get("line-rate", ""),
        "branch-rate": root.get("branch-rate", ""),
        "complexity": "0",
    }
    classes = SubElement(
        SubElement(SubElement(root, "packages"), "package", {"name": "rules", **rates}), "classes"
    )
    for path, items in files.items():
        _class(classes, path, items, lines[path])
    return document(root).replace(
        "?>\n", '?>\n<!DOCTYPE coverage SYSTEM "http://cobertura.sourceforge.net/xml/coverage-04.dtd">\n', 1
    )


def _class(classes: Element, path: str, items: Sequence[Item], lines: Mapping[int, int]) -> None:
    branches = [item for item in items if item.kind == "branch"]
    rates = {
        "line-rate": _rate(sum(hits > 0 for hits in lines.values()), len(lines)),
        "branch-rate": _rate(_hit(branches), len(branches)),
        "complexity": "0",
    }
    element = SubElement(classes, "class", {"name": Path(path).stem, "filename": shown(path), **rates})
    SubElement(element, "methods")
    listed = SubElement(element, "lines")
    for line, hits in lines.items():
        SubElement(listed, "line", {"number": str(line), "hits": str(hits), "branch": "false"})


PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Coverage of rules</title>
<style>
body {{ font: 14px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 70em; color: #222 }}
pre {{ margin: 0; white-space: pre-wrap }} table {{ border-collapse: collapse; width: 100% }}
td {{ padding: 0 .6em; vertical-align: top }} td:first-child {{ color: #777; text-align: right; width: 3em }}
.ran {{ background: #e6f5e6 }} .missed {{ background: #fbe3e1 }} em {{ color: #a02018 }}
</style>
<h1>Coverage of rules</h1>
<p>{counts}</p>
{files}
</html>
"""


def html(coverage: Coverage, texts: Mapping[str, str]) -> str:
    """One page: each file with what ran, and why the rest did not."""
    counts = ", ".join(
        f"{plural} {ran} of {whole}"
        for kind, plural in (("route", "routes"), ("branch", "branches"), ("action", "actions"))
        for ran, whole in [coverage.of(kind)]
    )
    files = "\n".join(_file(path, items, texts.get(path, "")) for path, items in by_file(coverage).items())
    return PAGE.format(counts=counts, files=files)


def _file(path: str, items: Sequence[Item], text: str) -> str:
    hits = lines_of(items)
    reasons: dict[int, list[str]] = {}
    for item in items:
        if not item.hits:
            reasons.setdefault(item.span.line, []).append(f"{item.name}: {item.reason}")
    rows = []
    for number, line in enumerate(text.split("\n"), 1):
        state = "" if number not in hits else "ran" if hits[number] else "missed"
        why = "; ".join(reasons.get(number, []))
        rows.append(
            f'<tr class="{state}"><td>{number}<td><pre>{escape(line)}</pre><td><em>{escape(why)}</em>'
        )
    return f"<h2>{escape(shown(path))}</h2>\n<table>\n" + "\n".join(rows) + "\n</table>"
