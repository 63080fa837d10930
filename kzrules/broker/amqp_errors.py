"""What a broker said no to, as our own errors. Raised by `amqp` and the parts of `broker` above it."""

from kzrules.errors import BrokerError, BrokerGone, BrokerRefused


class Refused(BrokerRefused):
    """The broker closed a channel, or refused the connection; `code` and `text` are its own words."""

    def __init__(self, message: str, code: int, text: str) -> None:
        super().__init__(message)
        self.code = code
        self.text = text


NEEDED = {
    "exchange.declare": "configure the exchange",
    "exchange.bind": "write to the exchange that is bound, and read the one that it is bound to",
    "queue.declare": "configure the queue",
    "queue.bind": "write to the queue and read the exchange",
    "queue.unbind": "write to the queue and read the exchange",
    "queue.purge": "read the queue",
    "queue.delete": "configure the queue",
    "basic.consume": "read the queue",
    "basic.get": "read the queue",
}
"""What a user must be permitted for each method; RabbitMQ 3.10 does not say it in its 403."""


def not_permitted(what: str, refused: Refused) -> Refused:
    """A 403 with the permission that is missing; any other refusal as it is."""
    if refused.code != 403 or what not in NEEDED:
        return refused
    text = f"{what} is not permitted: {refused.code} {refused.text}; let this user {NEEDED[what]}"
    return Refused(text, refused.code, refused.text)


class Closed(BrokerGone):
    """The broker closed an open connection and said why, for example 320 CONNECTION_FORCED."""

    def __init__(self, message: str, code: int, text: str) -> None:
        super().__init__(message)
        self.code = code
        self.text = text


_TO_BE_ROUTED = {
    312: "declare and bind a queue for it, or publish with `mandatory: false`",
    403: "let this user write to the exchange",
    404: "make the exchange first: rules never declare what they publish to",
}


class Unroutable(BrokerRefused):
    """No queue took a message: nothing is bound there for its key, or the exchange does not exist."""

    def __init__(self, code: int, text: str, exchange: str, routing_key: str) -> None:
        where = f"exchange {exchange!r}" if exchange else "the default exchange"
        super().__init__(
            f"nobody took the message for {where} with key {routing_key!r}: {code} {text};"
            f" {_TO_BE_ROUTED.get(code, _TO_BE_ROUTED[312])}"
        )
        self.code = code
        self.text = text
        self.exchange = exchange
        self.routing_key = routing_key


class OutboxFull(BrokerError):  # noqa: N818  it names a state
    """As many messages wait for their confirm as the outbox may hold; nothing was taken from this one."""


class NotSendable(BrokerError):  # noqa: N818  it names a state
    """AMQP has no form for this message: its key is over 255 bytes, or a header is of no AMQP type."""
