"""A certification authority made for one test, with a server's and a client's certificate."""

import datetime as dt
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files in one folder."""

    authority: Path
    server: Path
    server_key: Path
    client: Path
    client_key: Path

    def server_settings(self, *, verify_clients: bool = True) -> dict[str, str]:
        """The lines of rabbitmq.conf."""
        return {
            "ssl_options.cacertfile": str(self.authority),
            "ssl_options.certfile": str(self.server),
            "ssl_options.keyfile": str(self.server_key),
            "ssl_options.verify": "verify_peer" if verify_clients else "verify_none",
            "ssl_options.fail_if_no_peer_cert": "false",
        }


def make_certificates(folder: Path, host: str = "localhost", client: str = "kzrules") -> Certificates:
    """Make them: the server's is for `host` and 127.0.0.1, the client's names `client`."""
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    authority = _sign(
        "kzrules test authority", key, None, key, [x509.BasicConstraints(ca=True, path_length=0)]
    )
    _write(folder / "ca.pem", authority)
    names = x509.SubjectAlternativeName(
        [x509.DNSName(host), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    )
    for common_name, file, extensions in ((host, "server", [names]), (client, "client", [])):
        own = ec.generate_private_key(ec.SECP256R1())
        _write(folder / f"{file}.pem", _sign(common_name, own, authority, key, extensions))
        _write_key(folder / f"{file}.key", own)
    return Certificates(
        folder / "ca.pem",
        folder / "server.pem",
        folder / "server.key",
        folder / "client.pem",
        folder / "client.key",
    )


def _sign(
    common_name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
    extensions: Sequence[x509.ExtensionType],
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + _DAY)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
    return builder.sign(issuer_key, hashes.SHA256())


def _write(path: Path, certificate: x509.Certificate) -> None:
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    path.chmod(0o600)
