"""The reader's end of the control socket: one JSON line there, JSON lines back. `ctl` asks through it."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import click

from kzrules.errors import KzError

PATIENCE = 10.0
"""Seconds in which an answer begins, where the service has nothing to wait for."""


class Refused(KzError):  # noqa: N818  it names a state
    """The service says no, and why."""

    def __init__(self, why: str, findings: list[dict[str, str]]) -> None:
        super().__init__(why)
        self.findings = findings


def ask(path: str, request: dict[str, Any], patience: float | None = PATIENCE) -> Any:
    """The one answer to a request."""
    return next(lines(path, request, patience))


def lines(path: str, request: dict[str, Any], patience: float | None = PATIENCE) -> Iterator[Any]:
    """The answer, and then whatever else the service says, until it ends or the caller has enough."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as talking:
        talking.settimeout(patience)
        try:
            talking.connect(path)
            talking.sendall(json.dumps(request).encode() + b"\n")
            with talking.makefile("rb") as heard:
                first = heard.readline()
                if not first:
                    raise KzError(f"{path}: the service hung up without an answer; it may be ending")
                yield _result(json.loads(first))
                talking.settimeout(None)
                for line in heard:
                    yield json.loads(line)
        except TimeoutError:
            raise KzError(f"{path}: no answer within {patience:g} s; the service is busy or stuck") from None
        except OSError as error:
            raise click.ClickException(_unreached(path, error)) from None


def _result(answer: dict[str, Any]) -> Any:
    if not answer.get("ok"):
        raise Refused(str(answer.get("error")), answer.get("findings") or [])
    return answer["result"]


def _unreached(path: str, error: OSError) -> str:
    why = (error.strerror or str(error)).lower()
    if isinstance(error, FileNotFoundError | ConnectionRefusedError):
        return (
            f"nobody listens at {path} ({why}): start the service with --control {path}, or say where it is"
        )
    if isinstance(error, PermissionError):
        return f"{path} is not yours ({why}): ask as the user that the service runs as, or as root"
    return f"{path}: {why}"
