"""What was measured: tables on the screen, files in bench/results; medians with spread, ratios first."""

import json
import os
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

FOLDER = Path(__file__).parent / "results"


@dataclass(slots=True)
class Row:
    """One competitor in one setting; one value a round."""

    group: str
    who: str
    values: list[float] = field(default_factory=list)
    more: dict[str, float] = field(default_factory=dict)
    """Further numbers of the last round."""
    left_out: str = ""
    """Why there are no values."""

    @property
    def middle(self) -> float:
        """The median."""
        return median(self.values)


@dataclass(slots=True)
class Experiment:
    """One table. In each group the first row with values is what the others are compared to."""

    name: str
    title: str
    unit: str
    less_is_better: bool = False
    rows: list[Row] = field(default_factory=list)

    def row(self, group: str, who: str) -> Row:
        """The row of a competitor, made when it is first asked for."""
        for row in self.rows:
            if (row.group, row.who) == (group, who):
                return row
        self.rows.append(Row(group, who))
        return self.rows[-1]

    def add(self, group: str, who: str, value: float, **more: float) -> None:
        """One more round."""
        row = self.row(group, who)
        row.values.append(value)
        row.more.update(more)
        row.left_out = ""

    def leave_out(self, group: str, who: str, why: str) -> None:
        """It could not be measured here."""
        row = self.row(group, who)
        if not row.values:
            row.left_out = why

    def write(self, folder: Path) -> Path:
        """Write the file that the plots are drawn from."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}.json"
        path.write_text(json.dumps({**asdict(self), "machine": machine()}, indent=1) + "\n")
        return path

    def table(self) -> str:
        """The table: ratio, median, spread, and what else was noted."""
        better = "less is better" if self.less_is_better else "more is better"
        lines = [f"{self.title} ({self.unit or 'see the groups'}{', ' + better if self.unit else ''})"]
        group = None
        groups = list(dict.fromkeys(row.group for row in self.rows))
        rows = sorted(self.rows, key=lambda row: groups.index(row.group))
        for row in [row for row in rows if row.values or row.left_out]:
            if row.group != group:
                group = row.group
                lines.append(f"  {group}")
            lines.append(f"    {self._line(row)}")
        return "\n".join(lines)

    def _line(self, row: Row) -> str:
        if row.left_out:
            return f"{'':8}{row.who}: left out, {row.left_out}"
        first = next(one for one in self.rows if one.group == row.group and one.values)
        low, high = min(row.values), max(row.values)
        more = "".join(f"  {name} {_number(value)}" for name, value in row.more.items())
        ratio = row.middle / first.middle if first.middle else 0.0
        return (
            f"{ratio:6.2f}x {_number(row.middle):>9}  {_number(low):>9} to {_number(high):<9} {row.who}{more}"
        )


def read(folder: Path, name: str) -> Experiment | None:
    """An experiment that was written before."""
    path = folder / f"{name}.json"
    if not path.exists():
        return None
    known: dict[str, Any] = json.loads(path.read_text())
    known.pop("machine")
    rows = [Row(**row) for row in known.pop("rows")]
    return Experiment(**known, rows=rows)


def machine() -> dict[str, object]:
    """What it ran on."""
    return {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()}


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1_000 else f"{value:.3g}"
