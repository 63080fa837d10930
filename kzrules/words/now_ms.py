"""`now_ms`: the time now: whole milliseconds since 1970 (UTC)."""

from kzrules.language.word import Example, Kind, Word
from kzrules.words.arguments import Run


def now_ms_value(run: Run) -> int:
    """The milliseconds."""
    return int(run.now * 1000)


WORD = Word(
    name="now_ms",
    about="The time now: whole milliseconds since 1970 (UTC).",
    parameters=(),
    gives=frozenset({Kind.INTEGER}),
    examples=(Example("now_ms() > 1_500_000_000_000", gives="true"),),
    call=now_ms_value,
    needs_run=True,
    pure=False,
    group="time and chance",
)
