"""`reply`: answer whoever asked."""

from kzrules.language.word import Doing, Example, Kind, Parameter, Word

WORD = Word(
    name="reply",
    about=(
        "Answers the question that the event is: to the exchange `targeted` with the "
        "event's `Server-ID` as key, "
        "or to its `reply_to`, by the broker that it came from, with its `Msg-ID`. Nobody to "
        "answer is a failure "
        "of the rule; an asker that is gone is not. Of several replies all but the last say `last: false`."
    ),
    parameters=(
        Parameter("body", frozenset({Kind.OBJECT}), "the answer"),
        Parameter(
            "last", frozenset({Kind.TRUTH}), "false where more replies follow", default=True, named=True
        ),
    ),
    gives=frozenset({Kind.NULL}),
    examples=(
        Example(
            'reply({ "Event-Category": "registration", "Event-Name": "search_resp", "Registrations": [] })'
        ),
        Example(
            'reply({ "Event-Name": "search_partial_resp", "Registrations": ["1001@acme.com"] }, last: false)'
        ),
    ),
    doing=Doing.REPLY,
    pure=False,
    group="messages",
)
