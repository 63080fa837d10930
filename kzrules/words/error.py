"""`error`: a line in the log."""

from kzrules.language.word import ANY, Doing, Example, Kind, Parameter, Word

WORD = Word(
    name="error",
    about="A line in the log, at once: what somebody must look at now. The event's fields stand beside it.",
    parameters=(Parameter("text", ANY, "the line; a value that is no text is written as in a template"),),
    gives=frozenset({Kind.NULL}),
    examples=(Example('error("{.From} is {.State}")'),),
    doing=Doing.LOG,
    pure=False,
    group="log",
)
