"""Free TCP ports on loopback, for nodes and proxies."""

import random
import socket

_given: set[int] = set()


def free_port() -> int:
    """A port that nothing listens on, and that is not given out twice.

    Below the ephemeral range, so that no outgoing connection takes it before its owner does.
    """
    for _ in range(1000):
        port = random.randint(12_000, 31_999)  # noqa: S311  a port is no secret
        if port not in _given and _is_free(port):
            _given.add(port)
            return port
    raise OSError("no free TCP port between 12000 and 32000 on 127.0.0.1")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
