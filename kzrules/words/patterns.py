"""Patterns given as text: compiled once, in the linear-time engine. Called by words that take one."""

from functools import lru_cache
from typing import Any

import re2

from kzrules.errors import RuleFailure

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = 8 * 1024 * 1024


@lru_cache(maxsize=512)
def compiled(word: str, pattern: str) -> Any:
    """The pattern; a failure of the rule that says what is wrong with it."""
    try:
        return re2.compile(pattern, _OPTIONS)
    except re2.error as wrong:
        why = wrong.args[0].decode() if isinstance(wrong.args[0], bytes) else wrong.args[0]
        raise RuleFailure(f"{word}: the pattern {pattern[:60]!r} cannot be used: {why}") from None
    except UnicodeEncodeError:
        raise RuleFailure(f"{word}: the pattern holds half a character") from None
