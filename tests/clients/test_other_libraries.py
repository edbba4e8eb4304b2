"""Libraries in other languages and frameworks, each as a program of its own that follows pods: client-go, client-node
and kopf."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import waiting
from tests.clients import programs
from tests.clients.conftest import DEADLINE_S, Cluster

pytestmark = pytest.mark.process

_POD = {
    "metadata": {"name": "web"},
    "spec": {"containers": [{"name": "main", "image": "registry.example/web:1"}]},
}


class Follower:
    """A program that says what it is told, a line of JSON each."""

    def __init__(self, process: subprocess.Popen, output: Path) -> None:
        self.process = process
        self._output = output

    def said(self) -> list[dict]:
        return [json.loads(line) for line in self._output.read_text().splitlines() if line.startswith("{")]

    def until_said(self, **wanted: str) -> dict:
        def found() -> dict | None:
            assert self.process.poll() in (None, 0), self._output.read_text()
            return next((line for line in self.said() if wanted.items() <= line.items()), None)

        return waiting.until(found, within_s=DEADLINE_S, what=f"{wanted} in {self._output}")


@contextmanager
def _follower(command: Sequence[str | Path], tmp_path: Path, **environ: str) -> Iterator[Follower]:
    output = tmp_path / "said"
    with output.open("w") as stream:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdout=stream,
            stderr=subprocess.STDOUT,
            cwd=tmp_path,
            env=os.environ | environ,
        )
    try:
        yield Follower(process, output)
    finally:
        process.kill()
        process.wait()


def _pods(cluster: Cluster, namespace: str) -> list[dict]:
    items: list[dict] = cluster.get(f"/api/v1/namespaces/{namespace}/pods")["items"]
    return items


@pytest.mark.parametrize("list_by_watch", ["true", "false"], ids=["streamed list", "list and watch"])
def test_client_go_follows_pods(cluster: Cluster, namespace: str, tmp_path: Path, list_by_watch: str) -> None:
    program = programs.built("informer")
    cluster.create(f"/api/v1/namespaces/{namespace}/pods", _POD)
    feature = {"KUBE_FEATURE_WatchListClient": list_by_watch}
    with _follower([program, cluster.kubeconfig, namespace], tmp_path, **feature) as informer:
        informer.until_said(event="synced")
        assert any(line["event"] == "added" and line["name"] == "web" for line in informer.said())
        waiting.until(
            lambda: any(line.get("name") == "web" and line.get("phase") == "Running" for line in informer.said()),
            within_s=DEADLINE_S,
            what="it is told that the pod runs",
        )
        cluster.create(f"/api/v1/namespaces/{namespace}/pods", _POD | {"metadata": {"name": "later"}})
        informer.until_said(event="added", name="later")
        informer.until_said(event="updated", name="later", phase="Running")


def test_client_node_makes_follows_and_deletes_a_pod(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    folder = programs.node_modules()
    script = tmp_path / "informer.mjs"
    shutil.copy(programs.ROOT / "tests" / "clients" / "node" / "informer.mjs", script)
    (tmp_path / "node_modules").symlink_to(folder / "node_modules")
    with _follower(["node", script, cluster.kubeconfig, namespace], tmp_path) as informer:
        informer.until_said(event="created", name="from-javascript")
        informer.until_said(event="update", name="from-javascript", phase="Running")
        informer.process.send_signal(signal.SIGTERM)
        informer.until_said(event="delete", name="from-javascript")
        assert informer.process.wait(DEADLINE_S) == 0


def test_kopf_operates_on_pods(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    operator = programs.ROOT / "tests" / "clients" / "kopf_operator.py"
    command = [sys.executable, "-m", "kopf", "run", "--standalone", "--namespace", namespace, str(operator)]
    with _follower(command, tmp_path, KUBECONFIG=str(cluster.kubeconfig)) as follower:
        cluster.create(f"/api/v1/namespaces/{namespace}/pods", _POD)

        def adopted() -> bool:
            assert follower.process.poll() is None, (tmp_path / "said").read_text()
            (pod,) = _pods(cluster, namespace)
            metadata = pod["metadata"]
            saw = metadata.get("annotations", {}).get("kopf.dev/saw")
            return metadata.get("labels", {}).get("seen-by") == "kopf" and saw == "Running"

        waiting.until(adopted, within_s=DEADLINE_S, what="the operator has labelled and annotated the pod")
