"""A throwaway certificate authority, as a site would have one for its gateways."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LASTS = timedelta(days=2)


@dataclass(frozen=True)
class Certificate:
    """PEM files."""

    cert: Path
    key: Path


@dataclass(frozen=True)
class Authority:
    """Issues certificates for `clientAuth` or `serverAuth`, never both."""

    folder: Path
    name: str
    _key: ec.EllipticCurvePrivateKey
    _cert: x509.Certificate

    @classmethod
    def new(cls, folder: Path, name: str) -> "Authority":
        """Make one; its own certificate is `folder`/`name`.crt."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(name)
        cert = (
            _builder(subject, subject, key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        authority = cls(folder, name, key, cert)
        authority.ca.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
        return authority

    @property
    def ca(self) -> Path:
        return self.folder / f"{self.name}.crt"

    def client(self, common_name: str, file: str = "") -> Certificate:
        return self._issue(common_name, file or common_name, ExtendedKeyUsageOID.CLIENT_AUTH)

    def server(self, common_name: str, address: str) -> Certificate:
        return self._issue(common_name, common_name, ExtendedKeyUsageOID.SERVER_AUTH, address)

    def _issue(
        self, common_name: str, file: str, use: x509.ObjectIdentifier, address: str = ""
    ) -> Certificate:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            _builder(_name(common_name), self._cert.subject, key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
        )
        if address:
            names = [x509.IPAddress(ip_address(address))]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        cert = builder.sign(self._key, hashes.SHA256())
        made = Certificate(self.folder / f"{file}.crt", self.folder / f"{file}.key")
        made.cert.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
        made.key.touch(mode=0o600)
        made.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return made


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + LASTS)
    )
