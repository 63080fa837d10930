"""Compiled rules beside hand-written Python and other engines; and how fast rule files load.

    .venv/bin/python bench/rules.py [--no-peers]

Peers are installed into bench/.venv, which is made when it is missing. Those that cannot be
installed or run are named, with the reason, and left out.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import decisions
from rules_peers import PEERS, nanoseconds

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from kzrules.language.compile import compile_program  # noqa: E402  the path is set first
from kzrules.language.declare import declare  # noqa: E402  the path is set first
from kzrules.language.parse import parse  # noqa: E402  the path is set first
from kzrules.message.identity import Identity  # noqa: E402  the path is set first
from kzrules.message.payload import Stamp  # noqa: E402  the path is set first
from kzrules.routing import decide  # noqa: E402  the path is set first
from kzrules.routing.run import Ground, Run  # noqa: E402  the path is set first
from kzrules.routing.tables import Tables  # noqa: E402  the path is set first
from kzrules.words import WORDS  # noqa: E402  the path is set first

Decide = Callable[..., object]
PACKAGES = {"json-logic": "json-logic-qubit"}
"""json-logic itself fails on Python 3; this is its port."""


def by_hand() -> list[Decide]:
    """What an experienced hand writes, missing fields in mind."""

    def two_fields(payload: dict[str, Any]) -> bool:
        return payload.get("State") == "early" and payload.get("Direction") == "inbound"

    def membership(payload: dict[str, Any]) -> bool:
        expires = payload.get("Expires")
        return payload.get("State") in ("early", "confirmed", "terminated") and (
            isinstance(expires, int) and expires > 0
        )

    def nested(payload: dict[str, Any]) -> bool:
        caller, channels = payload.get("Caller"), payload.get("Channels")
        return (
            isinstance(caller, dict)
            and caller.get("Realm") == "acme.example.com"
            and isinstance(channels, list)
            and len(channels) > 0
            and isinstance(channels[0], dict)
            and channels[0].get("state") != "hangup"
        )

    def arithmetic(payload: dict[str, Any]) -> bool:
        expires = payload.get("Expires")
        return isinstance(expires, int) and expires % 60 == 0 and expires * 2 + 10 > 100

    def text_and_null(payload: dict[str, Any]) -> bool:
        sender, priority = payload.get("From"), payload.get("Priority")
        return (
            isinstance(sender, str)
            and "@acme." in sender
            and payload.get("Status") is None
            and (5 if priority is None else priority) >= 5
        )

    return [two_fields, membership, nested, arithmetic, text_and_null]


def compiled() -> tuple[list[Decide], Run]:
    """The same as rules: each decision is the `when` of a route, called as the service calls it."""
    text = "\n".join(f"event_route[n{i}] when {when} {{ }}" for i, when in enumerate(decisions.KZRULES))
    file, findings = parse(text, "bench.kzr")
    if findings:
        raise SystemExit(str(findings))
    declared = declare([file], {}, "host", words=WORDS)
    program = compile_program([file], declared, WORDS)
    stamp = Stamp.of(Identity("host", "kzrules", "1", "x"))
    run = Run(Ground(program, Tables(()), stamp, decide.delayed), decisions.PAYLOAD, 0.0, None, None)
    whens = [routes[0].when for routes in program.routes.values()]
    return [when for when in whens if when is not None], run


def both() -> tuple[list[float], list[float]]:
    """Hand-written Python and compiled rules in turns, so that both see the same machine."""
    whens, run = compiled()
    base, ours = [], []
    for hand, when in zip(by_hand(), whens, strict=True):
        turns = [(nanoseconds(hand), nanoseconds(when, run)) for _ in range(3)]
        base.append(min(turn[0] for turn in turns))
        ours.append(min(turn[1] for turn in turns))
    return base, ours


def row(name: str, times: list[float], base: list[float]) -> None:
    """One engine: nanoseconds, and how often hand-written Python fits into them."""
    cells = "".join(f"{t:>9.0f} {t / b:>6.2f}x" for t, b in zip(times, base, strict=True))
    mean = sum(t / b for t, b in zip(times, base, strict=True)) / len(base)
    print(f"{name:<28}{cells}{mean:>9.2f}x")


def peers(base: list[float]) -> None:
    """Each in a process of its own, under the same version of Python."""
    folder = HERE / ".venv"
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    for name in PEERS:
        package = PACKAGES.get(name, name)
        ask = subprocess.run(
            [python, "-m", "pip", "install", "-q", package], capture_output=True, text=True, check=False
        )
        if ask.returncode:
            print(f"{name:<28}left out: {package} cannot be installed: {last(ask.stderr)}")
            continue
        done = subprocess.run(
            [python, HERE / "rules_peers.py", name], capture_output=True, text=True, check=False
        )
        if done.returncode:
            print(f"{name:<28}left out: {last(done.stderr)}")
        else:
            row(name, json.loads(done.stdout), base)


def last(text: str) -> str:
    """The line that says it."""
    return (text.strip().splitlines() or ["no reason given"])[-1]


def loading() -> None:
    """1,000 five-line event routes in 50 files: with an empty cache, then again."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = f"{folder}/cache"
        rules = Path(folder) / "rules"
        rules.mkdir()
        for number in range(50):
            (rules / f"f{number:02}.kzr").write_text(routes_file(number))
        first = [loaded_in(rules) for _ in range(2)]
        print(f"1,000 routes in 50 files: {first[0]:.2f} s cold, {first[1]:.2f} s warm")


def routes_file(number: int) -> str:
    """Twenty routes of five lines."""
    head = ""
    if number == 0:
        head = (
            'subscribe all {\n    exchange "e" { type: topic }\n    queue "q" { durable: true }\n'
            '    routing: "#"\n    route_names: ["n-{.Event-Category}-{.Event-Name}"]\n}\n'
        )
    return head + "".join(
        f'event_route[n-f{number}-r{route}] when .State == "s{route}" {{\n'
        f'    let realm = lower(.Realm ?? "none")\n'
        f'    if .Expires > {route} {{ done("{{realm}} is late") }}\n'
        f'    publish("out", key("lamp", realm, .User ?? "x"), {{ "State": .State, "Realm": realm }})\n'
        f'    info("{{.From}} is {{.State}}")\n'
        "}\n"
        for route in range(20)
    )


def loaded_in(rules: Path) -> float:
    """Seconds in a process of its own, as a start of the service has them; imports are not counted."""
    code = (
        "import time\n"
        "from kzrules.message.identity import Identity\n"
        "from kzrules.routing.load import load\n"
        "begin = time.perf_counter()\n"
        f"loaded = load([{str(rules)!r}], {{}}, 'host', Identity('host', 'kzrules', '1', 'x'))\n"
        "assert loaded.book is not None, loaded.findings\n"
        "print(time.perf_counter() - begin)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=HERE.parent
    )
    return float(done.stdout)


def main() -> None:
    """Print the tables."""
    print(f"Python {sys.version.split()[0]}; nanoseconds for one decision, and times hand-written Python")
    print(" " * 28 + "".join(f"{name:>17}" for name in decisions.NAMES) + f"{'mean':>10}")
    base, ours = both()
    row("hand-written Python", base, base)
    row("kzrules", ours, base)
    if "--no-peers" not in sys.argv:
        peers(base)
    begin = time.perf_counter()
    loading()
    print(f"(measured in {time.perf_counter() - begin:.1f} s)")


if __name__ == "__main__":
    main()
