"""Draws bench/results/*.json: one picture an experiment, beside its figures. Run where matplotlib is.

bench/work/venv/bin/python -m bench.plots [FOLDER]
"""

import sys
from math import isfinite
from pathlib import Path

import matplotlib as mpl

from bench.results import FOLDER, Experiment, Row, read

mpl.use("Agg")
from matplotlib import pyplot as plt

OURS, OTHERS = "#c2410c", "#64748b"


def draw(experiment: Experiment, folder: Path) -> Path:
    """Bars of the medians with the spread, a panel a group; the ratio to the first stands at each."""
    groups: dict[str, list[Row]] = {}
    for row in experiment.rows:
        if row.values and isfinite(row.middle):  # what never came took for ever
            groups.setdefault(row.group, []).append(row)
    tall = [len(rows) for rows in groups.values()]
    figure, panels = plt.subplots(
        len(groups),
        1,
        figsize=(9, 0.9 * len(groups) + 0.38 * sum(tall)),
        height_ratios=tall,
        squeeze=False,
        layout="constrained",
    )
    for panel, (group, rows) in zip(panels[:, 0], groups.items(), strict=True):
        _bars(panel, rows)
        panel.set_title(group, fontsize=10, loc="left")
    figure.suptitle(experiment.title + (f" ({experiment.unit})" if experiment.unit else ""), fontsize=12)
    path = folder / f"{experiment.name}.png"
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return path


def _bars(panel: "plt.Axes", rows: list[Row]) -> None:
    middles = [row.middle for row in rows]
    spread = [
        [row.middle - min(row.values) for row in rows],
        [max(row.values) - row.middle for row in rows],
    ]
    colours = [OURS if row.who.startswith("kzrules") else OTHERS for row in rows]
    panel.barh(range(len(rows)), middles, xerr=spread, color=colours, ecolor="#0f172a", capsize=2, height=0.7)
    panel.set_yticks(range(len(rows)), [row.who for row in rows], fontsize=9)
    panel.invert_yaxis()
    panel.spines[["top", "right"]].set_visible(False)
    panel.tick_params(axis="x", labelsize=8)
    panel.margins(x=0.18)
    for place, row in enumerate(rows):
        label = f" {row.middle / middles[0]:.2f}x" if middles[0] else ""
        panel.text(max(row.values), place, label, va="center", fontsize=8)


def main() -> None:
    """Draw all that is there."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    for path in sorted(folder.glob("*.json")):
        experiment = read(folder, path.stem)
        if experiment is not None and any(row.values for row in experiment.rows):
            print(draw(experiment, folder))


if __name__ == "__main__":
    main()
