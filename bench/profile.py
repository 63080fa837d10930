"""`make profile`: a flame graph of the consuming process under load, and where its time goes in figures.

python -m bench.profile [settle | immediate | forward | query] [--seconds 5] [--out FOLDER]
"""

import argparse
import re
import subprocess
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react
from twisted.internet.threads import deferToThread

from bench.bus import Bus
from bench.competitors import PREFETCH, WORK
from bench.consuming import QUEUE
from bench.events import examples
from bench.rated import responder
from bench.results import FOLDER
from bench.rulesets import ASK, FORWARD, OUTPUTS, QUESTIONS, rules
from bench.service import Service
from testbed import private_broker

KINDS = {
    "settle": ("", PREFETCH),
    "immediate": ("", PREFETCH, "ack: immediate"),
    "forward": (FORWARD, PREFETCH),
    "query": (ASK + FORWARD, PREFETCH),
}
PUBLISHING = ("forward", "query")
RATE = 400  # samples a second
TOP = 25


async def main(reactor: Any, kind: str, seconds: int, out: Path, workers: int) -> None:
    """Fill, consume, look on."""
    node = private_broker()
    bus = await Bus(reactor, node.url).open()
    with tempfile.TemporaryDirectory(prefix="kzrules-bench-") as folder:
        for queue in (QUEUE, OUTPUTS, QUESTIONS):
            await bus.queue(queue)
        await bus.fill(QUEUE, examples(250), (10_000 if kind in PUBLISHING else 40_000) * seconds)
        text = rules(QUEUE, *KINDS[kind])
        answering = responder(bus)
        service = Service(Path(folder) / "service", bus.url, text, "--workers", str(workers))
        try:
            await bus.until(lambda: bus.consumers(QUEUE), 30, "its consumer", service)
            stacks = await deferToThread(_record, service.process.pid, seconds, out, kind)
            print(f"{await bus.ready(QUEUE):,} events were left when the recording ended")
        finally:
            service.stop()
            answering.kill()
            answering.wait()
    await bus.close()
    node.destroy()
    print(f"{out / f'profile-{kind}.svg'}\n" + table(stacks))


def _record(pid: int, seconds: int, out: Path, kind: str) -> str:
    raw = out / f"profile-{kind}.txt"
    spy = [str(WORK / "venv" / "bin" / "py-spy"), "record", "--pid", str(pid), "--rate", str(RATE)]
    spy += ["--duration", str(seconds), "--nonblocking", "--gil", "--function"]
    out.mkdir(parents=True, exist_ok=True)
    both = [
        subprocess.Popen([*spy, *form], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for form in (["-o", str(out / f"profile-{kind}.svg")], ["--format", "raw", "-o", str(raw)])
    ]
    for one in both:
        _, said = one.communicate()
        if one.returncode:
            raise SystemExit(f"py-spy cannot look into process {pid}: {said}")
    _entitle(out / f"profile-{kind}.svg", kind)
    text = raw.read_text()
    raw.unlink()
    return text


def _entitle(picture: Path, kind: str) -> None:
    """py-spy heads a picture with its own command line, which says nothing and names a machine's folders."""
    titled = re.sub(
        r'(y="24.00">)[^<]*(?=</text>)', rf"\g<1>kzrules under load: {kind}", picture.read_text(), count=1
    )
    picture.write_text(titled)


def table(stacks: str) -> str:
    """The functions that held the interpreter, by themselves, in percent."""
    own: Counter[str] = Counter()
    for line in stacks.splitlines():
        stack, _, count = line.rpartition(" ")
        own[stack.rpartition(";")[2]] += int(count)
    total = sum(own.values()) or 1
    return "\n".join(f"{100 * count / total:5.1f} %  {name}" for name, count in own.most_common(TOP))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="profile", description=__doc__)
    parser.add_argument("kind", nargs="?", choices=KINDS, default="settle")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", type=Path, default=FOLDER)
    return parser.parse_args()


if __name__ == "__main__":
    asked = _arguments()
    react(
        lambda reactor: Deferred.fromCoroutine(
            main(reactor, asked.kind, asked.seconds, asked.out, asked.workers)
        )
    )
