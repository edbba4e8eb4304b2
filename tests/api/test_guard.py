"""A foreign page cannot use the API through somebody's browser."""

import pytest

from kuberklone.api import guard
from kuberklone.settings import Settings
from tests.api.running import Api

REACHED = "127.0.0.1"


def _status(host: bytes | None, origin: bytes | None = None, *, settings: Settings | None = None) -> int | None:
    problem = guard.judge_for(settings or Settings())(host, origin, REACHED)
    return None if problem is None else problem.status


@pytest.mark.parametrize(
    "host",
    [
        b"localhost", b"localhost:8080", b"LOCALHOST:1", b"127.0.0.1:8080", b"127.1.2.3", b"[::1]:8080", b"[::1]",
    ],
    ids=bytes.decode,
)  # fmt: skip
def test_our_own_names_are_let_in(host: bytes) -> None:
    assert _status(host) is None


@pytest.mark.parametrize(
    "host",
    [
        b"evil.example", b"evil.example:8080", b"localhost.evil.example", b"127.0.0.1.evil.example", b"192.168.1.9",
        b"", b"[", b"[::2]:8080", b"\xff", b"localhost@evil.example", b"0x7f000001",
    ],
    ids=repr,
)  # fmt: skip
def test_other_names_are_refused(host: bytes) -> None:
    assert _status(host) == 421


def test_a_request_that_names_nobody_is_refused() -> None:
    assert _status(None) == 421


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        pytest.param(b"localhost:8080", b"http://localhost:8080", None, id="our own page"),
        pytest.param(b"localhost:8080", b"https://localhost:8080", None, id="our own page behind TLS"),
        pytest.param(b"localhost:8080", b"http://localhost:3000", 403, id="another program of this machine"),
        pytest.param(b"localhost:8080", b"http://evil.example", 403, id="another site"),
        pytest.param(b"localhost:8080", b"null", 403, id="a file or a sandbox"),
        pytest.param(b"localhost:8080", b"", 403, id="empty"),
        pytest.param(b"evil.example", b"http://evil.example", 421, id="a rebound name"),
    ],
)
def test_only_our_own_origin_is_let_in(host: bytes, origin: bytes, status: int | None) -> None:
    assert _status(host, origin) == status


def test_the_address_that_was_asked_for_is_ours() -> None:
    opened = Settings(host="192.168.1.9", insecure=True)
    assert _status(b"192.168.1.9:8080", settings=opened) is None
    assert _status(b"192.168.1.10:8080", settings=opened) == 421


@pytest.mark.parametrize("path", ["/", "/nodes", "/metrics", "/livez", "/docs", "/nowhere"])
def test_every_path_is_guarded(idle_api: Api, path: str) -> None:
    for headers, status in (({"host": "evil.example"}, 421), ({"origin": "http://evil.example"}, 403)):
        answer = idle_api.http.get(path, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_nothing_is_written_for_a_foreign_page(idle_api: Api) -> None:
    before = idle_api.written()
    answer = idle_api.http.post("/add_pod", json={"cpus": 1}, headers={"origin": "http://evil.example"})
    assert answer.status_code == 403
    assert idle_api.written() == before
