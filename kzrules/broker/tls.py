"""What `amqps` needs: whom to trust, and as whom to come. Called by `dial`, once for each broker.

Verification is on unless the rules say `verify: false`, which is logged at every start.
"""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from OpenSSL import SSL, crypto
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import (
    Certificate,
    CertificateOptions,
    PrivateCertificate,
    optionsForClientTLS,
    trustRootFromCertificates,
)
from zope.interface import implementer

from kzrules.errors import SettingError
from kzrules.language.program import BrokerSpec

_BEGIN = b"-----BEGIN CERTIFICATE-----"
Made = TypeVar("Made")


def client_options(host: str, spec: BrokerSpec) -> Any:
    """What `wrapClientTLS` takes; SettingError where a file cannot be read."""
    mine, chain = _own_certificate(spec)
    if not spec.verify:
        pair = {"privateKey": mine.privateKey.original, "certificate": mine.original} if mine else {}
        return _Connections(CertificateOptions(verify=False, extraCertChain=chain if mine else None, **pair))
    extra = {"extraCertChain": chain} if chain else None
    options = optionsForClientTLS(
        host, trustRoot=_trusted(spec), clientCertificate=mine, extraCertificateOptions=extra
    )
    return _Connections(options)


@implementer(IOpenSSLClientConnectionCreator)
class _Connections:
    """Makes OpenSSL's connections. Twisted hands it certificates in a form that pyOpenSSL warns of."""

    def __init__(self, options: Any) -> None:
        self._options = options

    def clientConnectionForTLS(self, protocol: Any) -> Any:  # noqa: N802  the name is Twisted's
        """Called by Twisted for each transport."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            if isinstance(self._options, CertificateOptions):
                return SSL.Connection(self._options.getContext(), None)
            return self._options.clientConnectionForTLS(protocol)


def _trusted(spec: BrokerSpec) -> Any:
    if spec.ca is None:
        return None
    found = _certificates(spec.ca, "ca")
    return trustRootFromCertificates(  # type: ignore[no-untyped-call]  # Twisted has no hints there
        [_loaded(Certificate.loadPEM, one, "ca", spec.ca) for one in found]
    )


def _own_certificate(spec: BrokerSpec) -> tuple[Any, list[Any]]:
    if spec.certificate is None:
        if spec.key is not None:
            raise SettingError("`broker` has a `key` and no `certificate`: name both, or neither")
        return None, []
    first, *rest = _certificates(spec.certificate, "certificate")
    key = _read(spec.key or spec.certificate, "key")
    mine = _loaded(PrivateCertificate.loadPEM, first + key, "certificate", spec.certificate)
    return mine, [
        _loaded(
            lambda one: crypto.load_certificate(crypto.FILETYPE_PEM, one),
            one,
            "certificate",
            spec.certificate,
        )
        for one in rest
    ]


def _certificates(path: str, setting: str) -> list[bytes]:
    pieces = _read(path, setting).split(_BEGIN)[1:]
    if not pieces:
        raise SettingError(f"`{setting}` of `broker`: there is no certificate in {path}; it must be PEM")
    end = b"-----END CERTIFICATE-----"
    return [_BEGIN + piece.partition(end)[0] + end + b"\n" for piece in pieces]


def _read(path: str, setting: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise SettingError(f"`{setting}` of `broker`: {path} cannot be read: {error.strerror}") from None


def _loaded(load: Callable[[bytes], Made], pem: bytes, setting: str, path: str) -> Made:
    try:
        return load(pem)
    except (SSL.Error, crypto.Error, ValueError) as error:
        raise SettingError(
            f"`{setting}` of `broker`: {path} is no PEM file that can be used: {error}"
        ) from None
