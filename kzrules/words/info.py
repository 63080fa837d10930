"""`info`: a line in the log."""

from kzrules.language.word import ANY, Doing, Example, Kind, Parameter, Word

WORD = Word(
    name="info",
    about=(
        "A line in the log, at once: what happened, in the normal course of things. The event's "
        "fields stand beside it."
    ),
    parameters=(Parameter("text", ANY, "the line; a value that is no text is written as in a template"),),
    gives=frozenset({Kind.NULL}),
    examples=(Example('info("{.From} is {.State}")'),),
    doing=Doing.LOG,
    pure=False,
    group="log",
)
