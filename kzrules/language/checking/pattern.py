"""Whether a regular expression can be used: by the engine that runs it, which never backtracks."""

from functools import lru_cache

import re2

LONGEST = 10_000
"""Characters; a longer pattern is generated, and belongs into a table."""


@lru_cache(maxsize=4096)
def pattern_fault(pattern: str) -> str:
    """What the engine has against a pattern; empty text: nothing."""
    if len(pattern) > LONGEST:
        return f"it is longer than {LONGEST} characters"
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error as failure:
        reason = failure.args[0] if failure.args else failure
        return reason.decode() if isinstance(reason, bytes) else str(reason)
    return ""
