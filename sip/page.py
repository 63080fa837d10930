"""The measured load as a table of docs/kamailio.md, between its two marks. Called by `load`."""

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results.json")
DOCS = Path(__file__).parents[1] / "docs" / "kamailio.md"
BEGIN, END = "<!-- load: written by `make sip-load` -->\n", "<!-- end of load -->\n"
WAYS = {"kazoo": "`kazoo_query` (three arguments)", "kzrules": "evapi and kzrules"}


def fill() -> str:
    """Write the table; gives it too."""
    made = table(json.loads(RESULTS.read_text()))
    before, _, rest = DOCS.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCS.write_text(f"{before}{BEGIN}\n{made}\n{END}{after}")
    return made


def table(measured: dict[str, Any]) -> str:
    """Both ways side by side, and how the two compare."""
    found = {way: _of(measured["held"], way) for way in WAYS}
    halves = [f"{_times(half)} ({half['rate']}/s)" for _, half in found.values()]
    rows = [
        f"| | {' | '.join(WAYS.values())} |",
        "|---|---|---|",
        _row("highest rate held", [_held(*pair) for pair in found.values()]),
        _row("median, 99 % at that rate", [_times(best) for best, _ in found.values()]),
        _row("median, 99 % at half of it", halves),
        _row("of one processor, at that rate", [_shares(best) for best, _ in found.values()]),
    ]
    return "\n".join([f"Measured on {measured['machine']}.", "", *rows, "", _ratio(found)]) + "\n"


def _of(held: list[dict[str, Any]], way: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The rate that was held, or the lowest one tried, and half of it."""
    *tried, half = [one for one in held if one["way"] == way]
    return tried[-1], half


def _row(name: str, cells: list[str]) -> str:
    return f"| {name} | {' | '.join(cells)} |"


def _held(best: dict[str, Any], half: dict[str, Any]) -> str:
    if best["held"]:
        return f"**{best['rate']}/s**, for {best['seconds']:g} s: none failed, none sent again"
    calls = int(best["rate"] * best["seconds"])
    lost = f"{best['failed']} of {calls} failed, {best['retransmissions']} sent again"
    held = f"; {half['rate']}/s was held" if half["held"] else ""
    return f"below {best['rate']}/s: there {lost}{held}"


def _times(one: dict[str, Any]) -> str:
    return f"{one['median']:.0f} ms, {one['p99']:.0f} ms"


def _shares(one: dict[str, Any]) -> str:
    return ", ".join(f"{part} {share:.0%}" for part, share in one["shares"].items())


def _ratio(found: dict[str, tuple[dict[str, Any], dict[str, Any]]]) -> str:
    kazoo, ours = (found[way][0] for way in ("kazoo", "kzrules"))
    if not ours["held"]:
        return "No rate was held by evapi and kzrules: the machine was too busy to measure on."
    bound = "" if kazoo["held"] else "more than "
    return f"That is {bound}{ours['rate'] / kazoo['rate']:.1f} times the rate."
