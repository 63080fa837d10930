"""What a broker said no to, as our own errors. Raised by `amqp` and the parts of `broker` above it."""

from kzrules.errors import BrokerError, BrokerGone, BrokerRefused


class Refused(BrokerRefused):
    """The broker closed a channel, or refused the connection; `code` and `text` are its own words."""

    def __init__(self, message: str, code: int, text: str) -> None:
        super().__init__(message)
        self.code = code
        self.text = text


class Closed(BrokerGone):
    """The broker closed an open connection and said why, for example 320 CONNECTION_FORCED."""

    def __init__(self, message: str, code: int, text: str) -> None:
        super().__init__(message)
        self.code = code
        self.text = text


class Unroutable(BrokerRefused):
    """No queue took a message: nothing is bound there for its key, or the exchange does not exist."""

    def __init__(self, code: int, text: str, exchange: str, routing_key: str) -> None:
        where = f"exchange {exchange!r}" if exchange else "the default exchange"
        super().__init__(
            f"nobody took the message for {where} with key {routing_key!r}: {code} {text};"
            " declare and bind a queue for it, or publish with `mandatory: false`"
        )
        self.code = code
        self.text = text
        self.exchange = exchange
        self.routing_key = routing_key


class OutboxFull(BrokerError):  # noqa: N818  it names a state
    """As many messages wait for their confirm as the outbox may hold; nothing was taken from this one."""


class NotSendable(BrokerError):  # noqa: N818  it names a state
    """AMQP has no form for this message: its key is over 255 bytes, or a header is of no AMQP type."""
