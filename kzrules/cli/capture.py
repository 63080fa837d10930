"""`kzrules capture`: record events from a bus, one JSON object a line: what `trace` and `diff` read.

It listens through an exclusive queue of its own that goes with it, and takes nothing from anybody.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import click

from kzrules.cli.broker import Session, broker_of, connected
from kzrules.cli.command import CLEAN
from kzrules.cli.terminal import counted
from kzrules.errors import BrokerError, KzError
from kzrules.message.payload import loads
from kzrules.operate.redact import redacted, without
from kzrules.wire.properties import Properties

PREFETCH = 500
MOST_WAITING = 10_000
"""Messages that may wait in our queue: beyond that the broker drops the oldest, not fill up for us."""


@click.command()
@click.option("--broker-file", "rules", metavar="FILE", help="A file with a `broker` block: where it is.")
@click.option("--url", metavar="URL", help="The broker, without a file; no password in it: see --secret.")
@click.option("--secrets", "folder", metavar="DIR", help='The folder that secret("name") reads.')
@click.option("--secret", metavar="NAME", help="With --url: the file in --secrets that holds user:password.")
@click.option("--exchange", required=True, metavar="E", help="The exchange to listen at; it must be there.")
@click.option(
    "--routing", multiple=True, metavar="K", default=("#",), show_default=True, help="Routing keys."
)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="End after so many events.")
@click.option(
    "--redact", multiple=True, metavar="FIELD", help="Never write this field's value, at any depth."
)
def command(
    *,
    rules: str | None,
    url: str | None,
    folder: str | None,
    secret: str | None,
    exchange: str,
    routing: tuple[str, ...],
    limit: int | None,
    redact: tuple[str, ...],
) -> int:
    """Record events from a bus, until --limit or Ctrl-C.

    At most 10,000 events wait for a slow reader of our output; the broker drops older ones then.
    """
    spec, login = broker_of(rules, url, folder, secret)
    recording = Recording(exchange, routing, limit, frozenset(redact))
    try:
        return connected(spec, login, recording.run)
    except KeyboardInterrupt:
        return CLEAN  # the way to end a recording without a limit
    finally:
        recording.end()


class Recording:
    """One recording: its queue, its lines, and how far it is."""

    def __init__(
        self, exchange: str, routing: tuple[str, ...], limit: int | None, redact: frozenset[str]
    ) -> None:
        self._exchange = exchange
        self._routing = routing
        self._limit = limit
        self._redact = redact
        self.written = 0
        self.unreadable = 0
        self._bar = _bar(limit)

    async def run(self, session: Session) -> int:
        """Until as many are written as were wanted, or the broker goes."""
        from twisted.internet.defer import Deferred  # noqa: PLC0415  see `dead`

        from kzrules.language.program import ExchangeSpec, QueueSpec  # noqa: PLC0415  as above
        from kzrules.message.delivery import Source  # noqa: PLC0415  as above

        over: Deferred[None] = Deferred()
        channel = await session.open_channel(prefetch=PREFETCH)
        await channel.declare_exchange(ExchangeSpec(self._exchange, "topic", passive=True))
        own = QueueSpec("", exclusive=True, auto_delete=True, arguments={"x-max-length": MOST_WAITING})
        queue = await channel.declare_queue(own)
        for key in self._routing:
            await channel.bind_queue(queue, self._exchange, key)
        source = Source("capture", queue, session.zone, session.server, channel.generation)

        def ended(error: BrokerError) -> None:
            if not over.called:
                over.errback(error)

        session.on_lost(ended)

        def came(batch: list[Any]) -> None:
            if not over.called and self._take(batch, channel.ack):
                over.callback(None)

        await channel.consume(queue, source, came, lambda: ended(BrokerError("the broker ended our queue")))
        click.echo(f"capture: listening at {self._exchange} for {', '.join(self._routing)}", err=True)
        await over
        return CLEAN

    def _take(self, batch: list[Any], ack: Callable[..., None]) -> bool:
        """Write these; True: that is enough."""
        for delivery in batch:
            line = self._line(delivery)
            if line is not None:
                sys.stdout.write(line)
                self.written += 1
            if self.written == self._limit:
                break
        sys.stdout.flush()
        ack(batch[-1].tag, multiple=True)
        self._bar(self.written)
        return self.written == self._limit

    def _line(self, delivery: Any) -> str | None:
        try:
            payload = loads(delivery.body)
            headers = Properties(delivery.properties).headers
        except KzError:
            self.unreadable += 1
            return None
        hidden: list[str] = []
        whole = redacted({"headers": headers, "payload": payload}, self._redact, hidden)
        known = without({"exchange": delivery.exchange, "routing_key": delivery.routing_key}, hidden)
        line = {**known, "received_at": round(time.time(), 3), **whole}
        return json.dumps(line, ensure_ascii=False, default=str) + "\n"

    def end(self) -> None:
        """Say how many there are."""
        self._bar(None)
        left = f", {self.unreadable:,} left out that hold no JSON object" if self.unreadable else ""
        click.echo(f"capture: {counted(self.written, 'event')} written{left}", err=True)


def _bar(limit: int | None) -> Callable[[int | None], None]:
    """A bar on standard error where somebody looks; None ends it."""
    if not sys.stderr.isatty():
        return lambda _written: None
    from rich.console import Console  # noqa: PLC0415  only where it is drawn
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415  as above

    columns = (TextColumn("capture"), BarColumn(), MofNCompleteColumn())
    progress = Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False)
    task = progress.add_task("capture", total=limit)
    progress.start()

    def draw(written: int | None) -> None:
        if written is None:
            progress.stop()
        else:
            progress.update(task, completed=written, refresh=True)

    return draw
