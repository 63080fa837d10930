"""`query`: ask on the bus, and give the answer."""

from datetime import timedelta

from kzrules.language.word import TEXT, Doing, Example, Kind, Parameter, Word

WORD = Word(
    name="query",
    about=(
        "Publishes a question and waits for the answer that carries its `Msg-ID`; meanwhile "
        "other events go on. "
        'It can fail: `else (why) { }` says what then, and `why` is `"timeout"`, `"unroutable"`, '
        '`"disconnected"`, `"busy"` or `"bad_reply"`. A question expires with its timeout.'
    ),
    parameters=(
        Parameter("exchange", TEXT, "the exchange"),
        Parameter("key", TEXT, "the routing key"),
        Parameter("body", frozenset({Kind.OBJECT}), "the question"),
        Parameter(
            "timeout", frozenset({Kind.DURATION}), "how long to wait", timedelta(seconds=2), named=True
        ),
        Parameter("headers", frozenset({Kind.OBJECT}), "AMQP headers", {}, named=True),
    ),
    gives=frozenset({Kind.OBJECT}),
    examples=(
        Example(
            'query("callevt", key("call", "status_req", .Call-ID), { "Call-ID": .Call-ID }, timeout: 2s) '
            "else (why) { retry(why) }"
        ),
        Example('query("trusted", "trusted.query", {}) else { use {} }'),
    ),
    doing=Doing.QUERY,
    fallible=True,
    pure=False,
    group="messages",
)
