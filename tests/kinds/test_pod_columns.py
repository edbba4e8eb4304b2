"""What people see of pods in `kubectl get pods`, for the states that they search the web for."""

from typing import Any

import pytest

from kuberklone.apimachinery.document import Document
from kuberklone.kinds import pod_columns

NOW_MS = 1_795_427_700_000  # 2026-11-23T09:55:00Z
RAN: Document = {"running": {"startedAt": "2026-11-23T09:53:47Z"}}
BACK_OFF: Document = {"waiting": {"reason": "CrashLoopBackOff"}}
FAILED_BEFORE: Document = {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": "2026-11-23T09:54:55Z"}}


def ended(code: int, **members: Any) -> Document:
    return {"terminated": {"exitCode": code, **members}}


def status_of(state: Document, *, ready: bool = False, restarts: int = 0, **members: Any) -> Document:
    return {"name": "a", "ready": ready, "restartCount": restarts, "state": state, **members}


def pod(
    *statuses: Document, phase: str = "Running", inits: tuple[Document, ...] = (), deleting: bool = False, **rest: Any
) -> Document:
    metadata: Document = {"name": "web", "creationTimestamp": "2026-11-23T09:50:00Z"}
    if deleting:
        metadata["deletionTimestamp"] = "2026-11-23T09:54:59Z"
    status: Document = {"phase": phase, "containerStatuses": list(statuses), "initContainerStatuses": list(inits)}
    sidecars = rest.pop("sidecars", set())
    spec: Document = {
        "containers": [{"name": "a"} for _ in statuses] or [{"name": "a"}],
        "initContainers": [
            {"name": each["name"], **({"restartPolicy": "Always"} if each["name"] in sidecars else {})}
            for each in inits
        ],
    }
    return {"metadata": metadata, "spec": spec, "status": {**status, **rest}}


def seen(document: Document) -> tuple[str, str, str]:
    """READY, STATUS and RESTARTS."""
    cells = {column.name: column.value(document, NOW_MS) for column in pod_columns.COLUMNS}
    return cells["Ready"], cells["Status"], cells["Restarts"]


@pytest.mark.parametrize(
    ("document", "ready", "status", "restarts"),
    [
        pytest.param(pod(phase="Pending"), "0/1", "Pending", "0", id="nobody has placed it"),
        pytest.param(
            pod(status_of({"waiting": {"reason": "ContainerCreating"}}), phase="Pending"),
            "0/1",
            "ContainerCreating",
            "0",
            id="placed, not started",
        ),
        pytest.param(pod(status_of(RAN, ready=True)), "1/1", "Running", "0", id="runs"),
        pytest.param(
            pod(status_of(RAN, ready=True), status_of(BACK_OFF, restarts=4, lastState=FAILED_BEFORE)),
            "1/2",
            "CrashLoopBackOff",
            "4 (5s ago)",
            id="one crashes",
        ),
        pytest.param(
            pod(status_of({"waiting": {"reason": "ImagePullBackOff"}}), phase="Pending"),
            "0/1",
            "ImagePullBackOff",
            "0",
            id="no image",
        ),
        pytest.param(pod(status_of(RAN, restarts=2)), "0/1", "Running", "2", id="restarted, nobody knows when"),
        pytest.param(
            pod(status_of(ended(0, reason="Completed")), phase="Succeeded"), "0/1", "Completed", "0", id="completed"
        ),
        pytest.param(pod(status_of(ended(3, reason="Error")), phase="Failed"), "0/1", "Error", "0", id="failed"),
        pytest.param(
            pod(status_of(ended(137, reason="OOMKilled")), phase="Failed"), "0/1", "OOMKilled", "0", id="out of memory"
        ),
        pytest.param(pod(status_of(ended(3)), phase="Failed"), "0/1", "ExitCode:3", "0", id="ended without a reason"),
        pytest.param(
            pod(status_of(ended(0, signal=9)), phase="Failed"), "0/1", "Signal:9", "0", id="ended by a signal"
        ),
        pytest.param(pod(phase="Failed", reason="Evicted"), "0/1", "Evicted", "0", id="evicted"),
        pytest.param(pod(status_of(RAN, ready=True), deleting=True), "1/1", "Terminating", "0", id="on its way out"),
        pytest.param(
            pod(status_of(ended(0, reason="Completed")), phase="Succeeded", deleting=True),
            "0/1",
            "Completed",
            "0",
            id="deleted after it completed",
        ),
        pytest.param(
            pod(status_of(RAN, ready=True), deleting=True, reason="NodeLost"), "1/1", "Unknown", "0", id="node lost"
        ),
        pytest.param(
            pod(
                status_of(RAN, ready=True),
                status_of(ended(0, reason="Completed")),
                conditions=[{"type": "Ready", "status": "True"}],
            ),
            "1/2",
            "Running",
            "0",
            id="one completed, one runs, ready",
        ),
        pytest.param(
            pod(status_of(ended(0, reason="Completed")), status_of(RAN, ready=True)),
            "1/2",
            "NotReady",
            "0",
            id="one completed, one runs, not ready",
        ),
        pytest.param(
            pod(
                phase="Pending",
                inits=(status_of(ended(0)), {**status_of(RAN), "name": "b"}),
            ),
            "0/1",
            "Init:1/2",
            "0",
            id="the second of two init containers",
        ),
        pytest.param(
            pod(phase="Pending", inits=(status_of(ended(2)),)), "0/1", "Init:ExitCode:2", "0", id="init failed"
        ),
        pytest.param(
            pod(phase="Pending", inits=(status_of(ended(1, reason="Error"), restarts=3),)),
            "0/1",
            "Init:Error",
            "3",
            id="init failed with a word",
        ),
        pytest.param(
            pod(phase="Pending", inits=(status_of(BACK_OFF, restarts=3, lastState=FAILED_BEFORE),)),
            "0/1",
            "Init:CrashLoopBackOff",
            "3 (5s ago)",
            id="init crashes",
        ),
        pytest.param(
            pod(phase="Pending", inits=(status_of({"waiting": {"reason": "PodInitializing"}}),)),
            "0/1",
            "Init:0/1",
            "0",
            id="init has not begun",
        ),
        pytest.param(
            pod(
                status_of(RAN, ready=True),
                inits=({**status_of(RAN, ready=True, started=True), "name": "proxy"},),
                sidecars={"proxy"},
            ),
            "2/2",
            "Running",
            "0",
            id="a sidecar counts as a container",
        ),
        pytest.param(
            pod(phase="Pending", conditions=[{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]),
            "0/1",
            "SchedulingGated",
            "0",
            id="gated",
        ),
    ],
)
def test_a_pod_is_said_in_the_words_that_people_know(
    document: Document, ready: str, status: str, restarts: str
) -> None:
    assert seen(document) == (ready, status, restarts)


def test_wide_columns_say_where_it_is() -> None:
    document = pod(status_of(RAN, ready=True), podIP="10.0.0.7")
    document["spec"] |= {"nodeName": "node-1", "readinessGates": [{"conditionType": "www.example.com/a"}]}
    cells = {column.name: column.value(document, NOW_MS) for column in pod_columns.COLUMNS if column.priority}
    assert cells == {"IP": "10.0.0.7", "Node": "node-1", "Nominated Node": "<none>", "Readiness Gates": "0/1"}
