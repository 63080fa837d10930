"""How long the command line takes, as whole processes: the figures that `make bench` prints.

Cold is with an empty cache folder, warm is the best of several with a filled one.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROUTES, TESTS, TIMES = 1000, 1000, 5

HEAD = """\
language 1

subscribe all {
    exchange "bus" { type: topic }
    queue "all" { durable: true }
    routing: ["#"]
    route_names: ["all:{.Event-Category}-{.Event-Name}", "all"]
}

table seen { ttl: 1h, max: 100_000, default: 0 }

event_route[all] {
    done("not ours")
}
"""

ROUTE = """
event_route[all:bench-event-@] when .State in ["early", "confirmed"] and seen[.From] != @ {
    seen[.From] = @
    let body = payload with { "Number": @, "State": upper(.State) }
    if .Expires ?? 0 > 0 {
        publish("out", key("bench", .From ?? "nobody", "n@"), body)
    } else {
        info("{.From} is {.State}")
    }
}
"""

TEST = """
test "event @ is passed on" {
    event {
        "Event-Category": "bench",
        "Event-Name": "event-@",
        "State": "early",
        "From": "a@@example.com",
        "Expires": 10,
    }
    expect route "all:bench-event-@"
    expect publish("out", "bench.a%40example%2Ecom.n@", has { "Number": @, "State": "EARLY" })
    expect seen["a@@example.com"] == @
    expect done
}
"""


def main() -> None:
    """Print one line a figure."""
    with tempfile.TemporaryDirectory(prefix="kzrules-bench-") as name:
        folder = Path(name)
        routes = _file(folder / "routes.kzr", HEAD + "".join(_each(ROUTE, ROUTES)))
        tests = _file(folder / "tests.kzr", HEAD + "".join(_each(ROUTE, TESTS)) + "".join(_each(TEST, TESTS)))
        shipped = str(ROOT / "rules")
        _run(folder, "warm", "fmt", routes)
        _tell("check, shipped rules, warm", _warm(folder, "check", shipped), 0.4)
        _tell(f"check, {ROUTES:,} routes, warm", _warm(folder, "check", routes), 1.0)
        _tell(f"check, {ROUTES:,} routes, their file changed", _changed(folder, "check", routes), 2.5)
        _tell(f"check, {ROUTES:,} routes, cold", _cold(folder, "check", routes), 2.5)
        _tell(f"fmt --check, {ROUTES:,} routes, warm", _warm(folder, "fmt", "--check", routes), 1.0)
        _tell(f"fmt --check, {ROUTES:,} routes, cold", _cold(folder, "fmt", "--check", routes), 2.5)
        _tell(f"test, {TESTS:,} tests, warm", _warm(folder, "test", tests), 3.0)


def _each(text: str, number: int) -> list[str]:
    """The text with its number; `@@` stands for an at sign."""
    return [text.replace("@@", "\0").replace("@", str(at)).replace("\0", "@") for at in range(1, number + 1)]


def _file(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


Took = tuple[float, float]
"""Seconds by the clock, and of a processor: on a busy machine only the second says much."""


def _warm(folder: Path, *arguments: str) -> Took:
    _run(folder, "warm", *arguments)
    return min(_run(folder, "warm", *arguments) for _ in range(TIMES))


def _changed(folder: Path, *arguments: str) -> Took:
    """Warm, but for a change that makes what is known of the rules void."""
    file, took = Path(arguments[-1]), []
    for at in range(3):
        file.write_text(file.read_text(encoding="utf-8") + f"# change {at}\n", encoding="utf-8")
        took.append(_run(folder, "warm", *arguments))
    return min(took)


def _cold(folder: Path, *arguments: str) -> Took:
    return min(
        _run(folder, f"cold-{'-'.join(arguments[:2]).replace('/', '_')}-{at}", *arguments) for at in range(2)
    )


def _run(folder: Path, cache: str, *arguments: str) -> Took:
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / cache), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "kzrules.cli", *arguments]
    began, spent = time.perf_counter(), _spent()
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    took = time.perf_counter() - began, _spent() - spent
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)}: {done.stdout}{done.stderr}")
    return took


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _tell(what: str, took: Took, allowed: float) -> None:
    seconds, spent = took
    mark = "ok" if seconds < allowed else "SLOW"
    print(f"{what:<36} {seconds:6.2f} s  {spent:6.2f} s of a processor   (at most {allowed} s)  {mark}")


if __name__ == "__main__":
    main()
