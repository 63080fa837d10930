"""Find the grammar and the shipped rules: inside an installed package, or beside it in a checkout."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path


def shipped(name: str) -> Traversable:
    """Return the folder called `name`, "grammar" or "rules"."""
    installed = files("kzrules") / "_shipped" / name
    return installed if installed.is_dir() else Path(__file__).parents[1] / name
