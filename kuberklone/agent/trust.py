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
    certificate = kept.read_text(encoding="ascii") if kept.is_file() else ""
    if not certificate or (fingerprint is not None and _fingerprint(certificate) != fingerprint):
        if fingerprint is None:
            raise SettingsError(
                "the token does not name the CA of the server, so nobody knows whom it would be told to; "
                "kuberklone token create makes one that does."
            )
        certificate = _fetch(server, fingerprint)
        kept.write_text(certificate, encoding="ascii")
    return ssl.create_default_context(cadata=certificate)


def _fetch(server: str, fingerprint: str) -> str:
    try:
        # Not checked yet: whatever is sent here is public, and what comes back is compared with the fingerprint.
        answer = httpx.get(f"{server}/ca.crt", verify=False, timeout=_FETCH_S, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ApiUnavailable(f"the API at {server} cannot be reached: {error}") from error
    certificate = answer.text[:_CERTIFICATE_BYTES_MAX]
    if answer.is_error or _fingerprint(certificate) != fingerprint:
        raise Unauthenticated(
            f"the server at {server} has another CA than the token names; it is not the cluster that made the token."
        )
    return certificate


def _fingerprint(certificate: str) -> str:
    try:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate)).hexdigest()
    except ValueError:
        return ""
