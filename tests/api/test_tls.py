"""The TLS listener: its certificate, who comes in, and that both listeners serve the same cluster."""

import ssl
import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from kuberklone.api import administrator, tls
from kuberklone.kinds import credentials, token
from kuberklone.store.database import Store
from kuberklone.store.operations import Applier, RevokeToken
from kuberklone.store.transaction import write
from tests.api.remote_agent import SESSION, speaking
from tests.api.running import Api, running
from tests.waiting import until

DAY_MS = 86_400_000
NOW_MS = 1_795_000_000_000
NAMES = ["localhost", "127.0.0.1", "::1", "kuberklone"]


@pytest.fixture
def api(migrated_url: str, tmp_path: Path) -> Iterator[Api]:
    with running(migrated_url, tmp_path / "home", with_tls=True) as started:
        yield started


def trusting(api: Api, bearer: str | None = None, *, host: str = "127.0.0.1") -> httpx.Client:
    """A client that believes the cluster's CA and nobody else."""
    context = ssl.create_default_context(cafile=credentials.ca_certificate(api.settings.home))
    headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
    return httpx.Client(base_url=f"https://{host}:{api.tls_port}", verify=context, headers=headers, trust_env=False)


def admin_token(api: Api) -> str:
    return credentials.admin_token(api.settings.home).read_text().strip()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_both_listeners_serve_the_same_cluster(api: Api, host: str) -> None:
    with trusting(api, admin_token(api), host=host) as secure:
        assert secure.post("/add_node", json={"cpus": 1}).status_code == 201
        assert secure.post("/add_pod", json={"cpus": 1}).status_code == 201
        assert secure.get("/nodes").json()["items"][0]["name"] == "node-1"
    assert [pod["name"] for pod in api.get("/pods")["items"]] == ["pod-1"]


@pytest.mark.parametrize("path", ["/", "/nodes", "/metrics", "/livez", "/docs", "/nowhere"])
def test_nothing_is_shown_without_a_token(api: Api, path: str) -> None:
    with trusting(api) as secure:
        assert secure.get(path).status_code == 401


def test_nothing_is_written_without_a_token(api: Api) -> None:
    before = api.written()
    with trusting(api) as secure:
        for path in ("/add_node", "/add_pod"):
            assert secure.post(path, json={"cpus": 1}).status_code == 401
    assert api.written() == before


def test_a_node_and_a_joining_machine_may_not_use_the_lab_api(api: Api) -> None:
    joining = api.post("/add_token", {})["token"]
    with speaking(api, registers=False) as agent:
        for bearer in (joining, agent.token):
            with trusting(api, bearer) as secure:
                assert secure.get("/nodes").status_code == 403
                assert secure.post("/add_pod", json={"cpus": 1}).status_code == 403


def test_an_agent_comes_in_by_both_listeners(api: Api) -> None:
    with speaking(api) as agent, trusting(api, agent.token) as secure:
        message = {"session": SESSION, "seq": 9}
        assert secure.post("/agent/v1/beat", json=message).status_code == 200


def test_the_host_header_may_be_any_name_where_a_token_is_shown(api: Api) -> None:
    headers = {"Host": "kuberklone.example.com", "Origin": "https://elsewhere.example.com"}
    with trusting(api, admin_token(api)) as secure:
        assert secure.get("/nodes", headers=headers).status_code == 200
    assert api.http.get("/nodes", headers=headers).status_code == 421


def test_the_ca_is_shown_to_everybody_and_is_the_one_of_the_token(api: Api) -> None:
    text = token.parse(api.post("/add_token", {})["token"])
    with trusting(api) as secure:
        for client in (secure, api.http):
            shown = client.get("/ca.crt")
            assert shown.status_code == 200
            assert tls.fingerprint_of(shown.content) == text.ca_fingerprint


def test_without_tls_there_is_no_ca(migrated_sqlite_url: str, tmp_path: Path) -> None:
    with running(migrated_sqlite_url, tmp_path) as plain:
        assert plain.http.get("/ca.crt").status_code == 404
        assert token.parse(plain.post("/add_token", {})["token"]).ca_fingerprint is None
        assert not (tmp_path / credentials.FOLDER).exists()


def test_a_token_that_is_revoked_is_void_soon(api: Api) -> None:
    bearer = api.post("/add_token", {"purpose": "admin"})["token"]
    with trusting(api, bearer) as secure:
        assert secure.get("/nodes").status_code == 200
        assert api.http.delete("/delete_token", params={"id": token.parse(bearer).id}).status_code == 200
        until(lambda: secure.get("/nodes").status_code == 401, within_s=10, what="the token is void")


def test_a_stream_by_tls_needs_a_token_too(api: Api) -> None:
    context = ssl.create_default_context(cafile=credentials.ca_certificate(api.settings.home))
    url = f"wss://127.0.0.1:{api.tls_port}/agent/v1/streams/any"
    with pytest.raises(InvalidStatus) as refused, connect(url, ssl=context, proxy=None):
        pass
    assert refused.value.response.status_code == 401


def test_a_client_that_trusts_others_does_not_trust_us(api: Api) -> None:
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE"):
        httpx.get(f"https://127.0.0.1:{api.tls_port}/ca.crt", trust_env=False)


def test_what_is_no_tls_does_not_come_in(api: Api) -> None:
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{api.tls_port}/nodes", trust_env=False)


# -------------------------------------------------------------------------------------------------- the certificates


def _certificate(home: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((home / credentials.FOLDER / credentials.SERVER_CERTIFICATE).read_bytes())


def test_keys_are_private(tmp_path: Path) -> None:
    tls.ensure(tmp_path, names=NAMES, wall_ms=NOW_MS)
    assert {stat.S_IMODE(file.stat().st_mode) for file in credentials.files(tmp_path)} == {0o600}
    assert stat.S_IMODE((tmp_path / credentials.FOLDER).stat().st_mode) == 0o700
    assert len(list((tmp_path / credentials.FOLDER).iterdir())) == 4


def test_the_certificate_holds_every_name(tmp_path: Path) -> None:
    tls.ensure(tmp_path, names=[*NAMES, "172.17.0.1", "box.example.com"], wall_ms=NOW_MS)
    names = _certificate(tmp_path).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "box.example.com" in names.get_values_for_type(x509.DNSName)
    assert {"::1", "172.17.0.1"} <= {str(address) for address in names.get_values_for_type(x509.IPAddress)}


@pytest.mark.parametrize(
    ("later_days", "names", "renewed"),
    [
        pytest.param(0, NAMES, False, id="the same day"),
        pytest.param(59, NAMES, False, id="long before it expires"),
        pytest.param(61, NAMES, True, id="a month before it expires"),
        pytest.param(1000, NAMES, True, id="long after"),
        pytest.param(-30, NAMES, True, id="the clock was set back"),
        pytest.param(0, [*NAMES, "10.1.2.3"], True, id="another address"),
        pytest.param(0, NAMES[:2], False, id="an address less"),
    ],
)
def test_a_certificate_is_renewed_in_time(tmp_path: Path, later_days: int, names: list[str], renewed: bool) -> None:
    first = tls.ensure(tmp_path, names=NAMES, wall_ms=NOW_MS)
    second = tls.ensure(tmp_path, names=names, wall_ms=NOW_MS + later_days * DAY_MS)
    assert (first.renewed, second.renewed) == (True, renewed)
    # Whoever trusted us goes on doing so.
    assert first.fingerprint == second.fingerprint


@pytest.mark.parametrize("content", [b"", b"nothing of the kind"], ids=["empty", "no certificate"])
def test_a_certificate_that_is_damaged_is_made_anew(tmp_path: Path, content: bytes) -> None:
    first = tls.ensure(tmp_path, names=NAMES, wall_ms=NOW_MS)
    first.certificate.write_bytes(content)
    second = tls.ensure(tmp_path, names=NAMES, wall_ms=NOW_MS)
    assert second.renewed
    assert first.fingerprint == second.fingerprint


def test_a_ca_that_lost_its_key_is_made_anew(tmp_path: Path) -> None:
    first = tls.ensure(tmp_path, names=NAMES, wall_ms=NOW_MS)
    (tmp_path / credentials.FOLDER / credentials.CA_KEY).unlink()
    second = tls.ensure(tmp_path, names=NAMES, wall_ms=NOW_MS)
    assert first.fingerprint != second.fingerprint
    assert second.renewed


def test_the_names_of_this_machine_are_good_for_a_certificate(tmp_path: Path) -> None:
    names = tls.names_of_this_machine("0.0.0.0")
    assert {"localhost", "127.0.0.1", tls.NAME} <= set(names)
    assert "0.0.0.0" not in names
    tls.ensure(tmp_path, names=names, wall_ms=NOW_MS)


# ------------------------------------------------------------------------------------------- the administrator's token


def test_the_administrators_token_is_made_once_and_anew_for_another_database(migrated_url: str, tmp_path: Path) -> None:
    with closing(Store(migrated_url)) as store:
        administrator.ensure(store, tmp_path)
        file = credentials.admin_token(tmp_path)
        first = file.read_text()
        administrator.ensure(store, tmp_path)
        assert file.read_text() == first
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        with write(store) as transaction:
            Applier().apply(transaction, [RevokeToken(id=token.parse(first).id)])
        administrator.ensure(store, tmp_path)
        assert file.read_text() != first


@pytest.mark.parametrize("content", ["", "kk.nothing", "\xff"], ids=["empty", "no token", "no text"])
def test_a_file_that_holds_no_token_is_replaced(migrated_sqlite_url: str, tmp_path: Path, content: str) -> None:
    file = credentials.admin_token(tmp_path)
    file.write_text(content, encoding="latin-1")
    with closing(Store(migrated_sqlite_url)) as store:
        administrator.ensure(store, tmp_path)
    assert token.parse(file.read_text()).secret


def test_a_token_shows_its_secret_only_when_it_is_written_out() -> None:
    text = token.TokenText(id="bcd", secret="a" * 64, ca_fingerprint="b" * 64)
    assert token.parse(str(text)) == text
    assert token.parse(str(replace(text, ca_fingerprint=None))).ca_fingerprint is None
    assert "a" * 64 not in repr(text)
