"""Why somebody takes no part."""


class LeftOut(RuntimeError):  # noqa: N818  it says what became of it
    """A competitor cannot run here; the reason is told."""
