"""Which API an agent trusts: the one whose CA its token names.

The token carries the fingerprint of the CA's certificate. The certificate itself is fetched over a connection that is
not trusted yet, compared with the fingerprint, and kept; only what it signed is spoken to from then on.
"""

import hashlib
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from kuberklone.errors import ApiUnavailable, SettingsError, Unauthenticated

_FETCH_S = 10.0
# A certificate is a few kilobytes; whoever sends more is not who we look for.
_CERTIFICATE_BYTES_MAX = 64 * 1024


def context(server: str, *, fingerprint: str | None, kept: Path) -> ssl.SSLContext | None:
    """What a connection to the server is checked by; None for plain HTTP. `kept` is where the certificate stays."""
    scheme = urlsplit(server).scheme
    if scheme == "http":
        return None
    if scheme != "https":
        raise SettingsError(f"--server {server}: send a URL such as https://10.0.0.1:6443.")
    certificate = _der(kept.read_bytes()) if kept.is_file() else b""
    if not certificate or (fingerprint is not None and _fingerprint(certificate) != fingerprint):
        if fingerprint is None:
            raise SettingsError(
                "the token does not name the CA of the server, so nobody knows whom it would be told to; "
                "kuberklone token create makes one that does."
            )
        certificate = _fetch(server, fingerprint)
        kept.write_text(ssl.DER_cert_to_PEM_cert(certificate), encoding="ascii")
    return ssl.create_default_context(cadata=certificate)


def _fetch(server: str, fingerprint: str) -> bytes:
    try:
        # Not checked yet: whatever is sent here is public, and what comes back is compared with the fingerprint.
        with httpx.stream("GET", f"{server}/ca.crt", verify=False, timeout=_FETCH_S, trust_env=False) as answer:
            pem = next(answer.iter_bytes(_CERTIFICATE_BYTES_MAX), b"")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ApiUnavailable(f"the API at {server} cannot be reached: {error}") from error
    certificate = _der(pem)
    if answer.is_error or _fingerprint(certificate) != fingerprint:
        raise Unauthenticated(
            f"the server at {server} has another CA than the token names; it is not the cluster that made the token."
        )
    return certificate


def _der(pem: bytes) -> bytes:
    """The certificate as the fingerprint counts it; empty for what is none.

    Only these bytes are trusted, never the text: behind a certificate the text may hold a second one, which decoding
    passes over in silence and OpenSSL would trust as well.
    """
    try:
        return ssl.PEM_cert_to_DER_cert(pem.decode("ascii"))
    except ValueError:
        return b""


def _fingerprint(certificate: bytes) -> str:
    return hashlib.sha256(certificate).hexdigest()
