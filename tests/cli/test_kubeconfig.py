"""The kubeconfig that `up` leaves in its home, and the one that `kuberklone kubeconfig` prints."""

import base64
import os
import ssl
import stat
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from kuberklone.cli import kubeconfig
from kuberklone.settings import Settings
from tests.cli import processes
from tests.cli.processes import kuberklone


def of(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The cluster and the user of the current context."""
    config = yaml.safe_load(text)
    context = next(each["context"] for each in config["contexts"] if each["name"] == config["current-context"])
    cluster = next(each["cluster"] for each in config["clusters"] if each["name"] == context["cluster"])
    user = next(each["user"] for each in config["users"] if each["name"] == context["user"])
    return cluster, user


def test_it_replaces_an_older_one_and_is_for_its_owner_only(tmp_path: Path) -> None:
    path = kubeconfig.write(Settings(home=tmp_path, port=8080))
    kubeconfig.write(Settings(home=tmp_path, port=8081))
    assert of(path.read_text())[0]["server"] == "http://127.0.0.1:8081"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(each.name for each in tmp_path.iterdir()) == ["kubeconfig"]


@pytest.mark.parametrize(
    ("host", "server"),
    [
        pytest.param("127.0.0.1", "https://127.0.0.1:6443", id="an address"),
        pytest.param("0.0.0.0", "https://127.0.0.1:6443", id="all addresses"),
        pytest.param("::1", "https://[::1]:6443", id="an address of version 6"),
        pytest.param("lab.example", "https://lab.example:6443", id="a name"),
    ],
)
def test_the_tls_listener_is_named_as_a_client_on_this_machine_reaches_it(
    tmp_path: Path, host: str, server: str
) -> None:
    (tmp_path / "pki").mkdir()
    (tmp_path / "pki" / "ca.crt").write_text("certificate")
    (tmp_path / "admin.token").write_text("token\n")
    cluster, user = of(kubeconfig.text(kubeconfig.secure(Settings(home=tmp_path, tls_host=host))))
    assert cluster == {"server": server, "certificate-authority-data": base64.b64encode(b"certificate").decode()}
    assert user == {"token": "token"}


def test_without_a_tls_listener_the_sentence_says_how_to_start_one() -> None:
    answer = kuberklone("kubeconfig", "--tls")
    assert answer.returncode == 1
    assert "--set tls_host=127.0.0.1" in answer.stderr


@pytest.mark.process
def test_up_leaves_one_in_its_home_and_never_touches_a_persons_own(tmp_path: Path) -> None:
    port, tls_port = processes.free_port(), processes.free_port()
    own = tmp_path / "person" / ".kube" / "config"
    own.parent.mkdir(parents=True)
    own.write_text("mine")
    environ = {"HOME": str(tmp_path / "person"), "KUBECONFIG": str(own)}
    home = Path(os.environ["KUBERKLONE_HOME"])
    settings = ("--set", "tls_host=127.0.0.1", "--set", f"tls_port={tls_port}")
    with processes.up(tmp_path, *settings, port=port, environ=environ) as run:
        assert f"export KUBECONFIG={home / 'kubeconfig'}" in run.text()
        cluster, _ = of((home / "kubeconfig").read_text())
        assert httpx.get(f"{cluster['server']}/version", trust_env=False).json()["gitVersion"].startswith("v1.")
        secure, user = of(kuberklone("kubeconfig", "--tls", *settings).stdout)
        trust = ssl.create_default_context(cadata=base64.b64decode(secure["certificate-authority-data"]).decode())
        answer = httpx.get(
            f"{secure['server']}/api/v1/namespaces",
            headers={"Authorization": f"Bearer {user['token']}"},
            verify=trust,
            trust_env=False,
        )
        assert "default" in [each["metadata"]["name"] for each in answer.json()["items"]]
        printed = kuberklone("kubeconfig").stdout
    assert of(printed)[0]["server"] == f"http://127.0.0.1:{port}"
    assert own.read_text() == "mine"
