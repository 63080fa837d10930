"""How long to wait before a connection is tried again. Chance is an argument."""


def wait(failures: int, chance: float, *, first: float, longest: float) -> float:
    """Seconds after the attempt that failed as number `failures`, from 0: doubled each time up to
    `longest`, and between half and all of that, so that many who lost one peer do not come back together.
    """
    full: float = min(first * 2.0 ** min(failures, 16), longest)
    return full * (0.5 + chance / 2)
