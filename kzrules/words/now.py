"""`now`: the time now: whole seconds since 1970 (UTC)."""

from kzrules.language.word import Example, Kind, Word
from kzrules.words.arguments import Run


def now_value(run: Run) -> int:
    """The seconds."""
    return int(run.now)


WORD = Word(
    name="now",
    about="The time now: whole seconds since 1970 (UTC).",
    parameters=(),
    gives=frozenset({Kind.INTEGER}),
    examples=(Example("now() > 1_500_000_000", gives="true"),),
    call=now_value,
    needs_run=True,
    pure=False,
    group="time and chance",
)
