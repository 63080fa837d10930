"""Read what `secret("name")` stands for, at the moment when something logs in, and never before."""

import os
from collections.abc import Mapping
from pathlib import Path

from kzrules.errors import SettingError
from kzrules.language.program import Secret


def folder(chosen: str | None, environment: Mapping[str, str] = os.environ) -> Path | None:
    """The secrets folder: `--secrets`, or the one that systemd's LoadCredential makes."""
    name = chosen or environment.get("CREDENTIALS_DIRECTORY")
    return Path(name) if name else None


def login(secret: Secret | None, where: Path | None) -> tuple[str, str] | None:
    """User and password out of the secret's file: one line, `user:password`. None without a secret.

    Errors: SettingError, which names the file and never what stands in it.
    """
    if secret is None:
        return None
    if where is None:
        raise SettingError(
            f'The rules log in with secret("{secret.name}"): say with --secrets DIR where that is.'
        )
    path = where / secret.name
    try:
        text = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SettingError(f'secret("{secret.name}"): {path} cannot be read: {why}.') from None
    user, colon, password = text.partition(":")
    if not colon or not user or "\n" in text:
        raise SettingError(f'secret("{secret.name}"): {path} must hold one line, user:password.')
    return user, password
