"""The `kzrules` command: one file a verb. `main` is what the console script calls."""

from kzrules.cli.command import main

__all__ = ["main"]
