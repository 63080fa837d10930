"""`publish`: one message."""

from kzrules.language.word import TEXT, Doing, Example, Kind, Parameter, Word

TRUTH = frozenset({Kind.TRUTH})
NOTHING = frozenset({Kind.NULL})

WORD = Word(
    name="publish",
    about=(
        "One message to an exchange. It leaves together with everything else that the rule "
        "asked for, when the "
        "rule ends well or comes to a wait; the event is settled only when the broker "
        "has confirmed it. Fields "
        "that the bus expects (`Msg-ID`, `App-Name`...) are filled in where the body lacks them."
    ),
    parameters=(
        Parameter(
            "exchange", TEXT, "the exchange; empty text is the default exchange, where the key names a queue"
        ),
        Parameter("key", TEXT, "the routing key, used as it is; `key(...)` makes one of encoded segments"),
        Parameter("body", frozenset({Kind.OBJECT}), "the message"),
        Parameter("headers", frozenset({Kind.OBJECT}), "AMQP headers", {}, named=True),
        Parameter(
            "persistent", TRUTH, "whether the broker keeps it over a restart", default=True, named=True
        ),
        Parameter(
            "mandatory",
            TRUTH,
            "whether a message that no queue takes fails the event",
            default=True,
            named=True,
        ),
    ),
    gives=NOTHING,
    examples=(
        Example('publish("dialoginfo", key("BLF", .Node), payload with { "State": "early" })'),
        Example('publish("presence", key("probes", "dialog"), { "Event-Name": "probe" }, mandatory: false)'),
        Example('publish("", "jobs", payload, headers: { "x-kind": "lamp" }, persistent: false)'),
    ),
    doing=Doing.PUBLISH,
    pure=False,
    group="messages",
)
