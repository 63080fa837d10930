"""What the HTTP port answers: health, metrics, the status, and the page that shows it.

Everything is read from one `Status`; nothing that is asked for here changes anything, and no
payload is shown. Made by `http`.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from importlib.resources import files
from ipaddress import ip_address
from typing import Any

from twisted.protocols.policies import WrappingFactory
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from kzrules.operate import metrics
from kzrules.operate.latest import Failures
from kzrules.operate.status import Status
from kzrules.operate.timing import Timing

MOST_CONNECTIONS = 64
IDLE = 15
"""Seconds after which a connection that asks nothing is closed."""
HEADERS = {
    b"cache-control": b"no-store",
    b"content-security-policy": (
        b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'"
    ),
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
}
_FILES = {
    b"": ("page.html", b"text/html; charset=utf-8"),
    b"page.css": ("page.css", b"text/css; charset=utf-8"),
    b"page.js": ("page.js", b"text/javascript; charset=utf-8"),
}


def site(root: "Root") -> WrappingFactory:
    """The factory that serves it, without an access log: who looks at a page is nobody's business."""
    inner = Site(root, _Asked, timeout=IDLE, parsePOSTFormSubmission=False)
    inner.displayTracebacks = False
    inner.log = lambda request: None  # type: ignore[method-assign]  # noqa: ARG005  see above
    limited = _Limited(inner)
    inner.noisy = limited.noisy = False
    return limited


class _Limited(WrappingFactory):
    """No more connections than that: monitoring needs few, and each holds a file descriptor."""

    def buildProtocol(self, addr: Any) -> Any:  # noqa: N802  the name is Twisted's
        """One connection, or None, which closes it."""
        return super().buildProtocol(addr) if len(self.protocols) < MOST_CONNECTIONS else None


class _Asked(Request):
    """A request; one that brings a body is cut off before anything of it is stored."""

    def gotLength(self, length: int | None) -> None:  # noqa: N802  the name is Twisted's
        """The head is read."""
        super().gotLength(0)
        if length != 0:
            self.channel.forceAbortClient()


class Root(Resource):
    """Every path; `isLeaf`, so that none of them is looked for anywhere else."""

    isLeaf = True  # noqa: N815  the name is Twisted's

    def __init__(self, status: Callable[[], Status], timing: Timing, failures: Failures, bound: str) -> None:
        super().__init__()
        self._status, self._timing, self._failures = status, timing, failures
        self._on_loopback = ip_address(bound).is_loopback

    def render(self, request: Request) -> bytes:
        """Answer; GET and HEAD only."""
        for name, value in HEADERS.items():
            request.setHeader(name, value)
        if request.method not in {b"GET", b"HEAD"}:
            request.setHeader(b"allow", b"GET, HEAD")
            return _said(request, 405, "This is only for looking: GET and HEAD.")
        if self._on_loopback and not _is_local(request.getRequestHostname()):
            return _said(request, 403, "Ask for this by an address or as localhost.")
        body = self._page(request, b"/".join(request.postpath or ()))
        request.setHeader(b"content-length", b"%d" % len(body))
        return b"" if request.method == b"HEAD" else body

    def _page(self, request: Request, path: bytes) -> bytes:
        match path:
            case b"livez":
                return _said(request, 200, "alive")
            case b"readyz":
                reasons = list(self._status().unready())
                return _said(request, 503 if reasons else 200, "\n".join(reasons or ["ready"]))
            case b"metrics":
                request.setHeader(b"content-type", metrics.CONTENT_TYPE.encode())
                return metrics.text(self._status, self._timing)
            case b"status.json":
                request.setHeader(b"content-type", b"application/json")
                failures = [asdict(one) for one in self._failures.latest]
                return json.dumps({**self._status().as_json(), "latest": failures}).encode()
            case _ if path in _FILES:
                name, kind = _FILES[path]
                request.setHeader(b"content-type", kind)
                return (files("kzrules.operate") / "page" / name).read_bytes()
        return _said(request, 404, "There is /, /livez, /readyz, /metrics and /status.json.")


def _said(request: Request, code: int, text: str) -> bytes:
    request.setResponseCode(code)
    request.setHeader(b"content-type", b"text/plain; charset=utf-8")
    return f"{text}\n".encode()


def _is_local(host: bytes) -> bool:
    """Whether a request names us as somebody on this machine does: a web page elsewhere that had its
    own name point here (DNS rebinding) gets nothing.
    """
    try:
        return host == b"localhost" or bool(ip_address(host.decode("ascii", "replace").strip("[]")))
    except ValueError:
        return False
