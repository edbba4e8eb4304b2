"""The certificates of the TLS listener: a CA of this cluster's own, and the server's certificate signed by it.

Agents trust that CA and no other. They get it from us, and know it by the fingerprint in the token with which they
join.
"""

import fcntl
import hashlib
import ipaddress
import os
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kuberklone.kinds.credentials import CA_CERTIFICATE, CA_KEY, FOLDER, SERVER_CERTIFICATE, SERVER_KEY

NAME = "kuberklone"
"""A name for the server that every certificate of ours has, for whoever reaches it by an address that changes."""

# Nobody renews a CA by itself: every agent would have to learn the new one.
_CA_DAYS = 3650
# Short, because it is renewed by itself; long enough for a machine that is off for a month.
_SERVER_DAYS = 90
_RENEW_DAYS = 30
# Clocks of machines differ; a certificate that is not valid yet is refused.
_BACKDATED = timedelta(days=1)
_PRIVATE = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """What the listener needs, as files."""

    folder: Path
    ca_pem: bytes
    fingerprint: str
    """SHA-256 of the CA's certificate (DER), as hexadecimal digits."""
    renewed: bool
    """The server's certificate is a new one."""

    @property
    def certificate(self) -> Path:
        return self.folder / SERVER_CERTIFICATE

    @property
    def key(self) -> Path:
        return self.folder / SERVER_KEY


def ensure(home: Path, *, names: Sequence[str], wall_ms: int) -> Certificates:
    """Make what is missing, and the server's certificate anew before it expires or when it lacks a name."""
    folder = home / FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    now = datetime.fromtimestamp(wall_ms / 1000, UTC)
    with _alone_in(folder):
        authority, authority_key = _authority(folder, now)
        renewed = not _is_good(folder, authority, names, now)
        if renewed:
            _make_server(folder, authority, authority_key, names, now)
    return Certificates(
        folder=folder,
        ca_pem=authority.public_bytes(serialization.Encoding.PEM),
        fingerprint=fingerprint_of(authority.public_bytes(serialization.Encoding.PEM)),
        renewed=renewed,
    )


def fingerprint_of(ca_pem: bytes) -> str:
    """By which an agent knows the CA that it is told about."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(ca_pem.decode())).hexdigest()


def names_of_this_machine(host: str) -> list[str]:
    """All names and addresses by which somebody may reach a listener on `host`."""
    found = {"localhost", "127.0.0.1", "::1", NAME, socket.gethostname().lower()}
    if host not in ("0.0.0.0", "::"):
        found.add(host.lower())
    for addresses in psutil.net_if_addrs().values():
        for each in addresses:
            if each.family in (socket.AF_INET, socket.AF_INET6):
                # Link-local addresses carry their interface behind a %, which no certificate can.
                found.add(each.address.partition("%")[0].lower())
    return sorted(found)


def write_private(file: Path, content: bytes) -> None:
    """Whole or not at all, and never readable by others."""
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(file)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Two that start at once must not make two CAs, of which one is lost."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _authority(folder: Path, now: datetime) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    certificate_file, key_file = folder / CA_CERTIFICATE, folder / CA_KEY
    if certificate_file.exists() and key_file.exists():
        return x509.load_pem_x509_certificate(certificate_file.read_bytes()), _load_key(key_file)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kuberklone CA")])
    certificate = (
        _builder(now, days=_CA_DAYS)
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    # The certificate last: it is what says that there is a CA.
    write_private(key_file, _pem(key))
    write_private(certificate_file, certificate.public_bytes(serialization.Encoding.PEM))
    return certificate, key


def _is_good(folder: Path, authority: x509.Certificate, names: Sequence[str], now: datetime) -> bool:
    certificate_file = folder / SERVER_CERTIFICATE
    if not (certificate_file.exists() and (folder / SERVER_KEY).exists()):
        return False
    try:
        certificate = x509.load_pem_x509_certificates(certificate_file.read_bytes())[0]
    except ValueError:
        return False  # Damaged. Whoever trusts the CA trusts the next one as well.
    held = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return (
        _is_issued_by(authority, certificate)
        and certificate.not_valid_before_utc <= now
        and now + timedelta(days=_RENEW_DAYS) < certificate.not_valid_after_utc
        and set(_alternatives(names)) <= set(held)
    )


def _is_issued_by(authority: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _make_server(
    folder: Path,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    names: Sequence[str],
    now: datetime,
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder(now, days=_SERVER_DAYS)
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(_alternatives(names)), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    write_private(folder / SERVER_KEY, _pem(key))
    write_private(folder / SERVER_CERTIFICATE, certificate.public_bytes(serialization.Encoding.PEM))


def _builder(now: datetime, *, days: int) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + timedelta(days=days))
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _alternatives(names: Sequence[str]) -> list[x509.GeneralName]:
    return [_alternative(name) for name in names]


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _load_key(file: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey), "we made it"
    return key


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
