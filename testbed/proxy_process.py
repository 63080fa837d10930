"""The proxy as a process of its own, for experiments whose own reactor is busy or is not there.

`ProxyProcess` starts it and tells it, one line each: pass, swallow, hang, refuse, cut, cut_in_frame,
`delay 0.5`, `cut_every 3`. Every line is answered when it is in force.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.stdio import StandardIO
from twisted.protocols.basic import LineReceiver

from testbed.errors import CommandFailed
from testbed.ports import free_port
from testbed.proxy import Proxy


class ProxyProcess:
    """Started when made; ends with its standard input, and so with whoever made it."""

    def __init__(self, target_port: int) -> None:
        self.port = free_port()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "testbed.proxy_process", str(target_port), str(self.port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            cwd=Path(__file__).parents[1],
            start_new_session=True,
        )
        self._answer("listening")

    def tell(self, order: str) -> None:
        """One of the orders above; returns when it is in force."""
        assert self._process.stdin is not None  # noqa: S101  a pipe was asked for
        self._process.stdin.write(order + "\n")
        self._answer(order)

    def _answer(self, expected: str) -> None:
        assert self._process.stdout is not None  # noqa: S101  as above
        answer = self._process.stdout.readline().rstrip("\n")
        if answer != expected:
            raise CommandFailed(f"the proxy answered {answer!r} to {expected!r}")

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


class Orders(LineReceiver):
    """Standard input: each line is an order, and the end of them is ours."""

    delimiter = b"\n"

    def __init__(self, proxy: Proxy, stop: Callable[[], object]) -> None:
        self._proxy, self._stop = proxy, stop

    def connectionMade(self) -> None:
        self.sendLine(b"listening")  # type: ignore[no-untyped-call]  # Twisted gives no types here

    def lineReceived(self, line: bytes) -> None:
        obey(self._proxy, *line.decode().split())
        self.sendLine(line)  # type: ignore[no-untyped-call]  # as above

    def connectionLost(self, reason: object = None) -> None:
        self._stop()


def obey(proxy: Proxy, order: str, argument: str = "0") -> None:
    """Do as one line says."""
    match order:
        case "pass":
            proxy.passing()
        case "delay":
            proxy.delaying(float(argument))
        case "cut_every":
            proxy.cut_every(float(argument))
        case "swallow" | "hang" | "refuse" | "cut" | "cut_in_frame":
            getattr(proxy, order)()
        case _:
            raise CommandFailed(f"the proxy knows no order {order!r}")


def main(reactor: Any) -> None:
    """TARGET_PORT PORT on the command line, orders on standard input."""
    target, port = map(int, sys.argv[1:])
    StandardIO(Orders(Proxy(reactor, target, port=port).start(), reactor.stop))  # type: ignore[no-untyped-call]  # as above
    reactor.run()


if __name__ == "__main__":
    from twisted.internet import reactor

    main(reactor)
