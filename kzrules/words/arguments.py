"""What every word says of an argument that it cannot take, and of a result that would be too large."""

from typing import Any, Protocol

from kzrules.errors import RuleFailure
from kzrules.language.values import said
from kzrules.message.payload import MAX_BYTES

MAX_ITEMS = MAX_BYTES // 64
"""The longest list that a word makes: an item takes about 64 bytes of memory, however short it is."""


class Run(Protocol):
    """What words that need the running event ask it for; `now` is in Unix seconds."""

    @property
    def now(self) -> float:
        """The run's clock."""
        ...

    def uuid(self) -> str:
        """A random UUID, in lower case."""
        ...


def refused(word: str, parameter: str, value: Any, wanted: str) -> RuleFailure:
    """The failure: which argument of which word it is, what it takes, and what it was given."""
    way_out = "; write `?? ...` for what it should be then" if value is None else ""
    return RuleFailure(f"{word}: `{parameter}` takes {wanted}, and this is {said(value)}{way_out}")


def text_in(word: str, parameter: str, value: Any) -> str:
    """The argument, which must be text."""
    if value.__class__ is str:
        return value
    raise refused(word, parameter, value, "text")


def integer_in(word: str, parameter: str, value: Any) -> int:
    """The argument, which must be an integer."""
    if value.__class__ is int:
        return value
    raise refused(word, parameter, value, "an integer")


def number_in(word: str, parameter: str, value: Any) -> int | float:
    """The argument, which must be an integer or a decimal."""
    if value.__class__ is int or value.__class__ is float:
        return value
    raise refused(word, parameter, value, "a number")


def list_in(word: str, parameter: str, value: Any) -> list[Any]:
    """The argument, which must be a list."""
    if value.__class__ is list:
        return value
    raise refused(word, parameter, value, "a list")


def object_in(word: str, parameter: str, value: Any) -> dict[str, Any]:
    """The argument, which must be an object."""
    if value.__class__ is dict:
        return value
    raise refused(word, parameter, value, "an object")


def not_empty(word: str, parameter: str, value: Any) -> str:
    """The argument, which must be text that says something."""
    text = text_in(word, parameter, value)
    if text:
        return text
    raise RuleFailure(f"{word}: `{parameter}` is empty text; there must be something to look for")


def check_size(word: str, size: int) -> None:
    """Refuse to make a text of more than 16 MiB; asked before it is made."""
    if size > MAX_BYTES:
        raise RuleFailure(f"{word}: the result would have {size} characters, more than 16 MiB")


def check_items(word: str, count: int) -> None:
    """Refuse to make a list that is too long; asked before it is made."""
    if count > MAX_ITEMS:
        raise RuleFailure(f"{word}: the result would have {count} items, more than {MAX_ITEMS}")


def bytes_in(word: str, value: Any) -> bytes:
    """The bytes (UTF-8) of the argument `text`."""
    try:
        return text_in(word, "text", value).encode()
    except UnicodeEncodeError:
        raise RuleFailure(f"{word}: `text` holds half a character") from None
