"""`tell`: an event for Kamailio."""

from kzrules.language.word import TEXT, Doing, Example, Kind, Parameter, Word

WORD = Word(
    name="tell",
    about=(
        "Sends an event to Kamailio's `event_route[evapi:message-received]`, where `kzrules.cfg` hands it to "
        "`route[KZRULES_TOLD]`. It leaves when the rule ends well or comes to a wait, in the order of the "
        "rule. A Kamailio that is not connected fails the event, which is then retried as its subscription "
        "says. Nobody confirms: what is told while Kamailio dies is lost. At most 32,000 bytes as "
        "JSON, and 63 characters of tag."
    ),
    parameters=(
        Parameter("kamailio", TEXT, "which one, by the name of its declaration"),
        Parameter("tag", TEXT, "what the script tells such events apart by"),
        Parameter("body", frozenset({Kind.OBJECT}), "the event"),
    ),
    gives=frozenset({Kind.NULL}),
    examples=(Example('tell("proxy", "lamp", { "To": .To, "State": .State })'),),
    doing=Doing.TELL,
    pure=False,
    group="Kamailio",
)
