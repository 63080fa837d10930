"""Writes the tables of docs/performance.md from bench/results, each between two comments that name it.

python -m bench.page
"""

import re
from pathlib import Path

from bench.results import FOLDER, Experiment, read

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
_PLACE = re.compile(r"(<!-- table (?P<name>[\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(experiment: Experiment) -> str:
    """One table: the ratio to the first of the group, the median, the spread, the rounds."""
    lines = ["| | ratio | median | from | to | rounds | further |", "|---|---:|---:|---:|---:|---:|---|"]
    for group in dict.fromkeys(row.group for row in experiment.rows):
        rows = [row for row in experiment.rows if row.group == group]
        measured = [row for row in rows if row.values]
        if measured:
            lines.append(f"| **{group}** | | | | | | |")
        for row in measured:
            ratio = row.middle / measured[0].middle if measured[0].middle else 0.0
            more = ", ".join(f"{name} {_short(value)}" for name, value in row.more.items())
            figures = " | ".join(_short(value) for value in (row.middle, min(row.values), max(row.values)))
            lines.append(f"| {row.who} | {ratio:.2f} | {figures} | {len(row.values)} | {more} |")
        lines += [f"| {row.who} | left out: {row.left_out[:80]} | | | | | |" for row in rows if row.left_out]
    return "\n".join(lines) + "\n"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def filled(page: str, folder: Path) -> str:
    """The page with the tables of the results that are there."""

    def one(place: "re.Match[str]") -> str:
        experiment = read(folder, place["name"])
        return place[0] if experiment is None else place[1] + table(experiment) + place[3]

    return _PLACE.sub(one, page)


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(), FOLDER))
