"""`increment`: count in a table, without a race."""

from kzrules.language.word import ANY, Doing, Example, Kind, Parameter, Word

WORD = Word(
    name="increment",
    about=(
        "Adds to a table's entry and gives the new number. It acts at once and stays even "
        "when the rule fails, "
        "so that no two events are given the same number; numbers may have gaps. The entry's time "
        "to live is not "
        "renewed. A missing entry counts from the table's default, or from 0."
    ),
    parameters=(
        Parameter("entry", ANY, "an entry of a table: `calls[.Realm]`"),
        Parameter("by", frozenset({Kind.INTEGER}), "what to add; less than 0 to subtract", 1),
    ),
    gives=frozenset({Kind.INTEGER}),
    examples=(Example("increment(calls[.Realm])"), Example("increment(calls[.Realm], -1)")),
    doing=Doing.INCREMENT,
    pure=False,
    group="tables",
)
