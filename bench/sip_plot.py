"""Draws `sip/results.json` for docs/kamailio.md, with the matplotlib of `make bench`."""

import json
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt

HERE = Path(__file__).parents[1] / "sip"
TARGET = HERE.parent / "docs" / "kamailio-load.png"
STYLES = {
    "kzrules": ("#1b6ca8", "o", "evapi and kzrules"),
    "kazoo": ("#c0504d", "s", "kazoo_query, 4 children"),
}


def main() -> None:
    """Median and 99th percentile over the offered rate; hollow where the rate was not held."""
    measured = json.loads((HERE / "results.json").read_text())
    longest = {(one["way"], one["rate"]): one for one in (*measured["probes"], *measured["held"])}
    probes = sorted(longest.values(), key=lambda one: one["rate"])
    figure, axes = plt.subplots(figsize=(8, 4.5))
    for way, (colour, mark, label) in STYLES.items():
        mine = [one for one in probes if one["way"] == way]
        rates = [one["rate"] for one in mine]
        axes.plot(rates, [one["median"] for one in mine], color=colour, label=f"{label}: median")
        axes.plot(rates, [one["p99"] for one in mine], color=colour, linestyle="--", label=f"{label}: 99 %")
        for one in mine:
            face = colour if one["held"] else "white"
            for value in (one["median"], one["p99"]):
                axes.plot(one["rate"], value, mark, color=colour, markerfacecolor=face, markersize=7)
    axes.set(xlabel="OPTIONS offered a second", ylabel="milliseconds to the answer", yscale="log", xlim=0)
    axes.set_title("Each SIP request asks on the bus and waits for the answer (hollow: not held)")
    axes.grid(alpha=0.3, which="both")
    axes.legend()
    figure.tight_layout()
    figure.savefig(TARGET, dpi=110)


if __name__ == "__main__":
    main()
