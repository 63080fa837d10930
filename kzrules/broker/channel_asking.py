"""What a channel asks its broker: declare, bind, delete, count. `channel` builds on it, `topology` asks most.

Questions go through pika's core channel, one at a time, and each ends with an answer, the channel's
end, or the connection's.
"""

import itertools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, DeferredLock

from kzrules.broker.amqp_errors import NotSendable, Refused, not_permitted
from kzrules.errors import BrokerError, BrokerGone
from kzrules.language.program import ExchangeSpec, QueueSpec

if TYPE_CHECKING:
    from kzrules.broker.session import Session

_generations = itertools.count(1)

Arguments = Mapping[str, Any]


def _once(asked: Deferred[Any]) -> Callable[[Any], None]:
    """An answer may come after its question was given up."""
    return lambda answer: None if asked.called else asked.callback(answer)


class Asking:
    """A channel's questions. `generation` is never used twice in this process."""

    def __init__(self, session: "Session") -> None:
        self.generation = next(_generations)
        self.session = session
        self._core: Any = None
        self._gone: BrokerError | None = None
        self._turn = DeferredLock()
        self._asked: Deferred[Any] | None = None

    @property
    def is_open(self) -> bool:
        """Whether anything can still be sent on it."""
        return self._gone is None and self._core is not None and bool(self._core.is_open)

    async def _ask(self, what: str, start: Callable[[Callable[[Any], None]], Any]) -> Any:
        """Ask one thing at a time; a broker that does not answer is given up with its connection."""
        await self._turn.acquire()
        try:
            if self._gone is not None:
                raise self._gone
            asked: Deferred[Any] = Deferred()
            self._asked = asked
            too_late = self.session.clock.callLater(self.session.rpc_limit, self._unanswered, what)
            try:
                start(_once(asked))
                return await asked
            except Refused as refused:
                raise not_permitted(what, refused) from None
            except BrokerError:
                raise
            except Exception as error:
                raise self._in_our_words(what, error) from error
            finally:
                self._asked = None
                if too_late.active():
                    too_late.cancel()
        finally:
            self._turn.release()

    def _in_our_words(self, what: str, error: Exception) -> BrokerError:
        """What pika raised instead of asking: arguments with no AMQP form, or a channel that is closing."""
        if self.is_open:
            return NotSendable(f"{what} cannot be sent to {self.session.name}: {error}")
        return self.session.core.said(error)

    def _unanswered(self, what: str) -> None:
        self.session.abort(
            BrokerGone(f"{self.session.name} did not answer {what} within {self.session.rpc_limit:.0f} s")
        )

    async def declare_exchange(self, exchange: ExchangeSpec) -> None:
        """exchange.declare, passive where the spec says so; its bindings are not made here."""
        await self._ask(
            "exchange.declare",
            lambda done: self._core.exchange_declare(
                exchange.name,
                exchange.type,
                passive=exchange.passive,
                durable=exchange.durable,
                auto_delete=exchange.auto_delete,
                internal=exchange.internal,
                arguments=dict(exchange.arguments),
                callback=done,
            ),
        )

    async def declare_queue(self, queue: QueueSpec) -> str:
        """queue.declare; the name, which the broker made up where the spec has none.

        `arguments` go out as they stand: what `type` means for them is `topology`'s to say.
        """
        answer = await self._ask(
            "queue.declare",
            lambda done: self._core.queue_declare(
                queue.name,
                passive=queue.passive,
                durable=queue.durable,
                exclusive=queue.exclusive,
                auto_delete=queue.auto_delete,
                arguments=dict(queue.arguments),
                callback=done,
            ),
        )
        return str(answer.method.queue)

    async def bind_queue(
        self, queue: str, exchange: str, routing_key: str, arguments: Arguments | None = None
    ) -> None:
        """queue.bind."""
        await self._bind("queue.bind", queue, exchange, routing_key, arguments)

    async def unbind_queue(
        self, queue: str, exchange: str, routing_key: str, arguments: Arguments | None = None
    ) -> None:
        """queue.unbind."""
        await self._bind("queue.unbind", queue, exchange, routing_key, arguments)

    async def bind_exchange(
        self, destination: str, source: str, routing_key: str, arguments: Arguments | None = None
    ) -> None:
        """exchange.bind: RabbitMQ's own, what `source` routes by this key reaches `destination`."""
        await self._bind("exchange.bind", destination, source, routing_key, arguments)

    async def unbind_exchange(
        self, destination: str, source: str, routing_key: str, arguments: Arguments | None = None
    ) -> None:
        """exchange.unbind."""
        await self._bind("exchange.unbind", destination, source, routing_key, arguments)

    async def _bind(
        self, method: str, target: str, source: str, routing_key: str, arguments: Arguments | None
    ) -> None:
        bind = getattr(self._core, method.replace(".", "_"))
        values = dict(arguments or {})
        await self._ask(method, lambda done: bind(target, source, routing_key, values, callback=done))

    async def delete_queue(self, queue: str, *, if_unused: bool = False, if_empty: bool = False) -> int:
        """queue.delete; how many messages went with it."""
        answer = await self._ask(
            "queue.delete",
            lambda done: self._core.queue_delete(queue, if_unused, if_empty, callback=done),
        )
        return int(answer.method.message_count)

    async def delete_exchange(self, exchange: str, *, if_unused: bool = False) -> None:
        """exchange.delete."""
        await self._ask(
            "exchange.delete", lambda done: self._core.exchange_delete(exchange, if_unused, callback=done)
        )

    async def purge_queue(self, queue: str) -> int:
        """queue.purge; how many messages are gone."""
        answer = await self._ask("queue.purge", lambda done: self._core.queue_purge(queue, callback=done))
        return int(answer.method.message_count)

    async def count_messages(self, queue: str) -> tuple[int, int]:
        """Messages ready in a queue, and its consumers; 404 closes the channel where it does not exist."""
        answer = await self._ask(
            "queue.declare", lambda done: self._core.queue_declare(queue, passive=True, callback=done)
        )
        return int(answer.method.message_count), int(answer.method.consumer_count)
