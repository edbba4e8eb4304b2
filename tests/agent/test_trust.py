"""Which API an agent believes: the one of the CA that its token names, whatever else somebody in between says."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import count
from pathlib import Path

import pytest

from kuberklone.agent import trust
from kuberklone.api import tls
from kuberklone.api.tls import Certificates
from kuberklone.errors import Unauthenticated

NOW_MS = 1_795_000_000_000


class _Says(BaseHTTPRequestHandler):
    """Answers every question with the same bytes."""

    def __init__(self, body: bytes, *arguments: object) -> None:
        self._body = body
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self._body)))
        self.end_headers()
        self.wfile.write(self._body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nobody reads it."""


@contextmanager
def saying(body: bytes, made: Certificates) -> Iterator[str]:
    """The URL of a TLS server with these certificates."""
    with HTTPServer(("127.0.0.1", 0), partial(_Says, body)) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(made.certificate, made.key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"https://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def certificates(folder: Path) -> Certificates:
    return tls.ensure(folder, names=["127.0.0.1"], wall_ms=NOW_MS)


def padded(folder: Path) -> Certificates:
    """Those of a CA whose certificate ends with the padding of Base64, as two of three do."""
    made = (certificates(folder / str(number)) for number in count())
    return next(each for each in made if len(ssl.PEM_cert_to_DER_cert(each.ca_pem.decode())) % 3)


def test_the_certificate_that_the_token_names_is_kept_and_believed(tmp_path: Path) -> None:
    ours, kept = certificates(tmp_path / "ours"), tmp_path / "ca.crt"
    with saying(ours.ca_pem, ours) as server:
        assert trust.context(server, fingerprint=ours.fingerprint, kept=kept) is not None
    assert kept.read_bytes() == ours.ca_pem
    # From now on nobody needs to be asked, nor the token.
    again = trust.context("https://127.0.0.1:1", fingerprint=None, kept=kept)
    assert again is not None
    assert len(again.get_ca_certs()) == 1


def test_a_second_certificate_behind_the_one_that_the_token_names_is_not_believed(tmp_path: Path) -> None:
    ours, theirs, kept = padded(tmp_path / "ours"), certificates(tmp_path / "theirs"), tmp_path / "ca.crt"
    with saying(ours.ca_pem + theirs.ca_pem, theirs) as server:
        context = trust.context(server, fingerprint=ours.fingerprint, kept=kept)
    assert context is not None
    assert context.get_ca_certs(binary_form=True) == [ssl.PEM_cert_to_DER_cert(ours.ca_pem.decode())]
    assert kept.read_bytes() == ours.ca_pem


@pytest.mark.parametrize("body", [b"", b"nothing of the kind", b"\xff\xfe", b"x" * 200_000], ids=len)
def test_whoever_has_another_certificate_is_not_the_cluster(tmp_path: Path, body: bytes) -> None:
    ours, theirs, kept = certificates(tmp_path / "ours"), certificates(tmp_path / "theirs"), tmp_path / "ca.crt"
    for said in (body, theirs.ca_pem):
        with saying(said, theirs) as server, pytest.raises(Unauthenticated, match="another CA"):
            trust.context(server, fingerprint=ours.fingerprint, kept=kept)
    assert not kept.exists()
