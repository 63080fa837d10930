"""The status of a service at a glance, as `kzrules ctl status` shows it on a terminal."""

from collections.abc import Iterator
from typing import Any

from kzrules.cli.terminal import BOLD, CYAN, DIM, GREEN, RED, YELLOW, Terminal, counted, visible

MOST_FAILURES = 5
_OF_KAMAILIO = {
    "gone": "whose connection was lost",
    "late": "answered too late",
    "dropped": "events dropped",
    "failed": "events failed",
    "bad_frames": "unreadable frames",
}
Found = dict[str, Any]


def status_text(found: Found, terminal: Terminal) -> str:
    """All of it, the most urgent first."""
    parts = (
        _head,
        _rules,
        _connections,
        _subscriptions,
        _publishing,
        _kamailios,
        failures_text,
        _tables_line,
    )
    return "\n".join(line for part in parts for line in part(found, terminal))


def _head(found: Found, terminal: Terminal) -> Iterator[str]:
    process = found["process"]
    ready = terminal.paint("ready", GREEN, BOLD) if found["ready"] else terminal.paint("NOT READY", RED, BOLD)
    memory = f", {process['memory'] / 1048576:,.0f} MiB" if process["memory"] else ""
    up = ago(found["at"] - process["started"])
    yield f"{ready}  kzrules {process['version']} as {process['node']}, pid {process['pid']}, up {up}{memory}"
    for why in found["unready"]:
        yield terminal.paint(f"  {visible(why)}", RED)


def _rules(found: Found, terminal: Terminal) -> Iterator[str]:
    rules = found["rules"]
    since = ago(found["at"] - rules["since"])
    warnings = len(rules["findings"])
    yield _title(
        terminal,
        "rules",
        f"generation {rules['generation']} for {since}, {counted(rules['routes'], 'route')}"
        + (terminal.paint(f", {counted(warnings, 'warning')}", YELLOW) if warnings else "")
        + (f"; {counted(rules['reloads']['succeeded'], 'reload')}" if rules["reloads"]["succeeded"] else ""),
    )
    refused = rules["refused"]
    if refused:
        yield terminal.paint(
            f"  refused {ago(found['at'] - refused['at'])} ago: {visible(refused['why'])}", RED
        )
        for one in refused["findings"][:MOST_FAILURES]:
            yield f"    {terminal.paint(one['code'], RED)} {one['place']}: {visible(one['message'])}"


def _connections(found: Found, terminal: Terminal) -> Iterator[str]:
    for one in found["connections"]:
        if one["broker"]:
            state = f"{one['broker']} for {ago(found['at'] - one['since'])}"
        else:
            state = terminal.paint(f"{one['state']}: {visible(one['trouble'] or 'not connected yet')}", RED)
        lost = terminal.paint(f", lost {counted(one['losses'], 'time')}", YELLOW) if one["losses"] else ""
        blocked = terminal.paint(f", BLOCKED by {one['blocked']}", RED) if one["blocked"] else ""
        yield _title(terminal, "broker", f"{one['zone']}, to {one['purpose']}: {state}{lost}{blocked}")


def _subscriptions(found: Found, terminal: Terminal) -> Iterator[str]:
    for one in found["subscriptions"]:
        count = one["counters"]
        if not one["consuming"]:
            state = terminal.paint("not consuming", RED)
        elif not one["settling"]:
            state = terminal.paint("settling nothing", RED)
        else:
            state = terminal.paint("paused", YELLOW) if one["paused"] else terminal.paint("consuming", GREEN)
        last = (
            "no event yet"
            if one["last_event"] is None
            else f"last {ago(found['at'] - one['last_event'])} ago"
        )
        yield _title(
            terminal, "queue", f"{one['queue'] or one['name']}: {state}, {one['rate']:,.1f}/s, {last}"
        )
        yield (
            f"  {count['received']:,} received, {one['unacknowledged']:,} unacknowledged, "
            f"{one['waiting']:,} waiting for an answer"
        )
        trouble = [
            f"{count[name]:,} {name.replace('_', ' ')}"
            for name in (
                "unmatched",
                "retried",
                "rejected",
                "failed",
                "unreadable",
                "dead_lettered",
                "redelivered",
            )
            if count[name]
        ]
        if trouble:
            letters = f" to {one['dead_letters']}" if count["dead_lettered"] else ""
            yield terminal.paint(f"  {', '.join(trouble)}{letters}", YELLOW)


def _publishing(found: Found, terminal: Terminal) -> Iterator[str]:
    for one in found["publishing"]:
        state = terminal.paint("ready", GREEN) if one["ready"] else terminal.paint("not ready", RED)
        held = f"{one['unconfirmed']:,} of {one['limit']:,} unconfirmed, {one['confirmed']:,} confirmed"
        lost = terminal.paint(f", {one['unroutable']:,} unroutable", YELLOW) if one["unroutable"] else ""
        yield _title(terminal, "publish", f"{one['zone']}: {state}, {held}{lost}")
    asking = found["asking"]
    if asking["asked"] or asking["waiting"]:
        late = terminal.paint(f", {asking['timeouts']:,} timed out", YELLOW) if asking["timeouts"] else ""
        yield _title(terminal, "queries", f"{asking['waiting']:,} waiting, {asking['asked']:,} asked{late}")


def _kamailios(found: Found, terminal: Terminal) -> Iterator[str]:
    for one in found["kamailios"]:
        count = one["counts"]
        state = (
            terminal.paint("connected", GREEN) if one["connected"] else terminal.paint("not connected", RED)
        )
        told = f"{count['asked']:,} asked, {count['answered']:,} answered, {one['questions']:,} waiting"
        yield _title(terminal, "kamailio", f"{one['name']}: {state}, {told}")
        noes = [f"{many:,} {why.replace('_', ' ')}" for why, many in count["refused"].items()]
        noes += [f"{count[name]:,} {said}" for name, said in _OF_KAMAILIO.items() if count[name]]
        if noes:
            yield terminal.paint(f"  {', '.join(noes)}", YELLOW)


def failures_text(found: Found, terminal: Terminal) -> Iterator[str]:
    """The latest failures, each with its line and what it said last."""
    for one in found["failures"][:MOST_FAILURES]:
        where = one["place"] or one["route"] or one["subscription"]
        when = ago(found["at"] - one["last"])
        yield _title(
            terminal, "failure", f"{terminal.paint(visible(where), RED)} {one['count']:,}x, last {when} ago"
        )
        yield f"  {visible(one['why']).splitlines()[0] if one['why'] else 'no reason given'}"
    more = len(found["failures"]) - MOST_FAILURES
    if more > 0:
        yield terminal.paint(f"  and {counted(more, 'other line')} that failed: --json has them all", DIM)


def _tables_line(found: Found, terminal: Terminal) -> Iterator[str]:
    for one in found["tables"]:
        evicted = terminal.paint(f", {one['evicted']:,} pushed out", YELLOW) if one["evicted"] else ""
        yield _title(terminal, "table", f"{one['name']}: {one['entries']:,} of {one['limit']:,}{evicted}")


def routes_text(found: list[Found], terminal: Terminal) -> str:
    """A line a route."""
    lines = [f"{'events':>12} {'failed':>9}  route"]
    for one in found:
        failed = terminal.paint(f"{one['failed']:>9,}", RED) if one["failed"] else f"{one['failed']:>9,}"
        place = terminal.paint(one["place"] or "no rule of this name runs now", DIM)
        lines.append(f"{one['taken']:>12,} {failed}  {terminal.paint(one['name'], CYAN)}  {place}")
    return "\n".join(lines)


def tables_text(found: list[Found], name: str | None, terminal: Terminal) -> str:
    """A line a table, or a line an entry."""
    if name is None:
        return "\n".join(_tables_line({"tables": found}, terminal)) or "the rules have no tables"
    lines = []
    for one in found:
        left = "for ever" if one["left"] is None else f"{ago(one['left'])} left"
        shown = f"{visible(str(one['key']))} = {visible(str(one['value']))}"
        lines.append(f"{shown}  {terminal.paint(left, DIM)}")
    return "\n".join(lines) or f"{name} is empty"


def ago(seconds: float) -> str:
    """A time in the largest units that tell something: `3 h 12 min`."""
    seconds = max(0.0, seconds)
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes < 120:
        return f"{minutes:.0f} min"
    if hours < 48:
        return f"{hours:.0f} h {minutes % 60:.0f} min"
    return f"{days:.0f} d {hours % 24:.0f} h"


def _title(terminal: Terminal, title: str, text: str) -> str:
    return f"{terminal.paint(f'{title:<8}', BOLD)} {text}"
