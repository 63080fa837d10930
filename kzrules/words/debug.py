"""`debug`: a line in the log."""

from kzrules.language.word import ANY, Doing, Example, Kind, Parameter, Word

WORD = Word(
    name="debug",
    about=(
        "A line in the log, at once: what helps to follow a rule step by step; shown only when "
        "asked for. The event's fields stand beside it."
    ),
    parameters=(Parameter("text", ANY, "the line; a value that is no text is written as in a template"),),
    gives=frozenset({Kind.NULL}),
    examples=(Example('debug("{.From} is {.State}")'),),
    doing=Doing.LOG,
    pure=False,
    group="log",
)
