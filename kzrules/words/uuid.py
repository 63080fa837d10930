"""`uuid`: a random UUID, in lower case."""

from kzrules.language.word import TEXT, Example, Word
from kzrules.words.arguments import Run


def uuid_value(run: Run) -> str:
    """The UUID."""
    return run.uuid()


WORD = Word(
    name="uuid",
    about="A random UUID, in lower case.",
    parameters=(),
    gives=TEXT,
    examples=(Example("len(uuid())", gives="36"),),
    call=uuid_value,
    needs_run=True,
    pure=False,
    group="time and chance",
)
