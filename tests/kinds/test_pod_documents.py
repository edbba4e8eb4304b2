"""Pods as documents: what a person wrote, and what the columns say of them in Kubernetes' own words."""

from typing import Any

import msgspec
import pytest

from kuberklone.apimachinery import schemas
from kuberklone.apimachinery.document import Document
from kuberklone.errors import Invalid
from kuberklone.kinds import pod as pod_kind
from kuberklone.kinds import pod_columns, pod_document, pod_reading, pod_request
from kuberklone.kinds.pod import Pod
from kuberklone.kinds.pod_request import PodRequest
from kuberklone.kinds.preparing import prepared
from tests.kinds import examples

POD = examples.served("v1", "Pod")
BOUND_MS = 1_795_427_600_000
BOUND = {"node_name": "node-1", "bound_ms": BOUND_MS}


def read(old: Pod | None = None, *, annotations: dict[str, str] | None = None, **spec: Any) -> Pod:
    metadata: Document = {"name": "web", "namespace": "default"}
    if annotations is not None:
        metadata["annotations"] = annotations
    body: Document = {"containers": [examples.CONTAINER], **spec}
    document = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": body}
    return pod_reading.read(prepared(POD, document), old)


def shown(pod: Pod) -> Any:
    return msgspec.json.decode(pod_document.document(pod))


def container(**resources: Any) -> Document:
    return {**examples.CONTAINER, "resources": resources}


def word(pod: Pod) -> str:
    return pod_columns.status(shown(pod), 0)


# --------------------------------------------------------------------------------------------------- what is derived


@pytest.mark.parametrize(
    ("spec", "cpu_millis", "memory_bytes", "qos"),
    [
        pytest.param({}, 0, 0, "BestEffort", id="nothing said"),
        pytest.param(
            {"containers": [container(requests={"cpu": "0.5", "memory": "64Mi"})]},
            500,
            2**26,
            "Burstable",
            id="requests",
        ),
        pytest.param(
            {"containers": [container(limits={"cpu": "1", "memory": "1Gi"})]},
            1000,
            2**30,
            "Guaranteed",
            id="limits alone",
        ),
        pytest.param(
            {
                "containers": [container(requests={"cpu": "100m"}), {**container(requests={"cpu": 1}), "name": "b"}],
                "overhead": {"cpu": "50m"},
            },
            1150,
            0,
            "Burstable",
            id="all containers and the overhead",
        ),
        pytest.param(
            {
                "initContainers": [{**container(requests={"cpu": "2"}), "name": "first"}],
                "containers": [container(requests={"cpu": "1"})],
            },
            2000,
            0,
            "Burstable",
            id="an init container that needs more",
        ),
        pytest.param(
            {
                "initContainers": [
                    {**container(requests={"cpu": "500m"}), "name": "proxy", "restartPolicy": "Always"},
                    {**container(requests={"cpu": "2"}), "name": "first"},
                ],
                "containers": [container(requests={"cpu": "1"})],
            },
            2500,
            0,
            "Burstable",
            id="a sidecar beside an init container",
        ),
        pytest.param(
            {
                "resources": {"requests": {"cpu": "3"}},
                "containers": [container(requests={"cpu": "1"})],
            },
            3000,
            0,
            "Burstable",
            id="said for the whole pod",
        ),
    ],
)
def test_what_a_pod_takes_follows_from_its_containers(
    spec: Document, cpu_millis: int, memory_bytes: int, qos: str
) -> None:
    pod = read(**spec)
    assert (pod.cpu_millis, pod.memory_bytes) == (cpu_millis, memory_bytes)
    assert shown(pod)["status"]["qosClass"] == qos


def test_a_quantity_stays_as_it_was_written() -> None:
    pod = read(containers=[container(requests={"cpu": "0.5", "memory": "0.5Gi"})])
    assert shown(pod)["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "0.5", "memory": "0.5Gi"}


def test_both_apis_make_the_same_record_of_the_same_wish() -> None:
    (asked,) = pod_request.build(
        PodRequest(cpus="0.5", name="web", memory="64Mi", run_seconds=2.5, exit_code=3, node_selector={"zone": "a"}),
        toleration_s=30,
    )
    document = shown(asked)
    again = pod_reading.read(prepared(POD, document), None)
    for column in ("cpu_millis", "memory_bytes", "priority", "shape", "on_node_failure", "run_ms", "planned_exit_code"):
        assert getattr(again, column) == getattr(asked, column), column
    assert again.start_delay_ms == 0


def test_a_pod_of_the_lab_api_fits_the_schema_and_is_not_changed_by_defaults() -> None:
    (asked,) = pod_request.build(PodRequest(cpus=1, name="web"), toleration_s=30)
    kept = msgspec.structs.replace(asked, uid="u", revision=1, generation=4, **BOUND)
    assert schemas.validate("v1", "Pod", shown(kept)) == []
    stored = prepared(POD, shown(kept))
    assert list(POD.kind.validate(stored, shown(kept))) == []
    assert pod_reading.read(stored, kept) == kept


def test_placement_depends_on_the_selector_and_the_tolerations() -> None:
    pod = read(nodeSelector={"zone": "a"}, tolerations=[{"operator": "Exists"}], priority=7)
    inputs = pod_kind.scheduling_inputs(pod)
    assert inputs.node_selector == {"zone": "a"}
    assert [toleration.operator for toleration in inputs.tolerations] == ["Exists"]
    assert (pod.priority, pod.shape == read().shape) == (7, False)


def test_annotations_say_how_a_simulated_pod_is_played() -> None:
    pod = read(
        annotations={
            "kuberklone.io/on-node-failure": "Reschedule",
            "kuberklone.io/run-seconds": "1.5",
            "kuberklone.io/start-delay-seconds": "2",
            "kuberklone.io/exit-code": "3",
        }
    )
    assert (pod.on_node_failure, pod.run_ms, pod.start_delay_ms, pod.planned_exit_code) == ("Reschedule", 1500, 2000, 3)


def test_a_pod_goes_with_its_node_unless_it_says_otherwise() -> None:
    assert read().on_node_failure == "Delete"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("on-node-failure", "Maybe"),
        ("run-seconds", "soon"),
        ("run-seconds", "nan"),
        ("run-seconds", "-1"),
        ("start-delay-seconds", "1e99"),
        ("exit-code", "256"),
        ("exit-code", "-1"),
        ("exit-code", "9" * 400),
        ("exit-code", "000000000" + "9" * 40),
        ("exit-code", "0" * 9 + "9" * 5_000),
    ],
)
def test_an_annotation_that_cannot_be_played_is_refused(key: str, value: str) -> None:
    with pytest.raises(Invalid) as refused:
        read(annotations={f"kuberklone.io/{key}": value})
    assert [cause.field for cause in refused.value.causes] == [f"metadata.annotations[kuberklone.io/{key}]"]


def test_more_than_can_be_counted_is_refused() -> None:
    most = [{**container(requests={"cpu": "1000000"}), "name": f"c{number}"} for number in range(2)]
    with pytest.raises(Invalid, match="together they request more than can be counted"):
        read(containers=most)


# --------------------------------------------------------------------------------------------------- what is shown


def test_a_pod_that_nobody_has_placed_is_pending() -> None:
    document = shown(read())
    assert document["status"] == {"phase": "Pending", "qosClass": "BestEffort"}
    assert word(read()) == "Pending"


@pytest.mark.parametrize(
    ("columns", "ready", "status", "state"),
    [
        pytest.param({}, "False", "ContainerCreating", "waiting", id="placed"),
        pytest.param({"phase": "Running", "started_ms": BOUND_MS}, "True", "Running", "running", id="running"),
        pytest.param(
            {"phase": "Succeeded", "started_ms": BOUND_MS, "finished_ms": BOUND_MS, "exit_code": 0},
            "False",
            "Completed",
            "terminated",
            id="completed",
        ),
        pytest.param(
            {"phase": "Failed", "started_ms": BOUND_MS, "finished_ms": BOUND_MS, "exit_code": 3},
            "False",
            "Error",
            "terminated",
            id="failed",
        ),
    ],
)
def test_a_simulated_pod_shows_its_containers_and_conditions(
    columns: Document, ready: str, status: str, state: str
) -> None:
    pod = msgspec.structs.replace(read(), uid="u", **BOUND, **columns)
    document = shown(pod)
    assert schemas.validate("v1", "Pod", document) == []
    assert word(pod) == status
    conditions = {each["type"]: each["status"] for each in document["status"]["conditions"]}
    assert conditions == {"PodScheduled": "True", "Initialized": "True", "ContainersReady": ready, "Ready": ready}
    (container_status,) = document["status"]["containerStatuses"]
    assert (container_status["name"], container_status["image"]) == ("web", "nginx:1.27")
    assert list(container_status["state"]) == [state]
    assert container_status["ready"] == (ready == "True")


def test_init_containers_come_first() -> None:
    inits = [{"name": "first", "image": "a"}, {"name": "second", "image": "b"}]
    pod = msgspec.structs.replace(read(initContainers=inits), uid="u", **BOUND)
    assert word(pod) == "Init:0/2"
    running = msgspec.structs.replace(pod, phase="Running", started_ms=BOUND_MS)
    assert word(running) == "Running"
    assert schemas.validate("v1", "Pod", shown(running)) == []
    ends = [each["state"]["terminated"]["reason"] for each in shown(running)["status"]["initContainerStatuses"]]
    assert ends == ["Completed", "Completed"]


def test_a_pod_that_was_not_let_in_shows_why() -> None:
    pod = msgspec.structs.replace(read(), uid="u", **BOUND, phase="Failed", reason="OutOfcpu", finished_ms=BOUND_MS)
    assert word(pod) == "OutOfcpu"


def test_what_an_agent_reported_says_more_than_the_columns() -> None:
    reported = '{"hostIP":"10.0.0.1","containerStatuses":[{"name":"web","containerID":"docker://1"}]}'
    pod = msgspec.structs.replace(read(), uid="u", **BOUND, phase="Running", status=reported)
    status = shown(pod)["status"]
    assert (status["phase"], status["hostIP"]) == ("Running", "10.0.0.1")
    assert status["containerStatuses"] == [{"name": "web", "containerID": "docker://1"}]


def test_a_deleted_pod_has_its_grace() -> None:
    pod = msgspec.structs.replace(read(), uid="u", **BOUND, deleting_ms=BOUND_MS, deletion_grace_s=30)
    assert shown(pod)["metadata"]["deletionGracePeriodSeconds"] == 30
    assert word(pod) == "Terminating"


def test_names_with_quotes_cannot_leave_their_place() -> None:
    pod = msgspec.structs.replace(
        read(containers=[{"name": "web", "image": 'a"b\\'}]), uid="u", **BOUND, phase="Running", started_ms=BOUND_MS
    )
    assert shown(pod)["status"]["containerStatuses"][0]["image"] == 'a"b\\'


# --------------------------------------------------------------------------------------------------- writing


def test_an_update_keeps_what_others_own() -> None:
    old = msgspec.structs.replace(
        read(), uid="u", revision=9, **BOUND, phase="Running", started_ms=5, pod_ip="10.0.0.7", deletion_grace_s=3
    )
    new = read(old, annotations={"a": "b"})
    assert new == msgspec.structs.replace(old, annotations='{"a":"b"}')


def test_a_new_image_is_a_new_generation() -> None:
    old = msgspec.structs.replace(read(), uid="u")
    new = read(old, containers=[{**examples.CONTAINER, "image": "nginx:1.28"}])
    assert new.generation == old.generation + 1
    assert new.shape == old.shape


def test_a_status_write_becomes_columns() -> None:
    old = msgspec.structs.replace(read(), uid="u", **BOUND)
    document = shown(old)
    document["status"] |= {
        "phase": "Failed",
        "podIP": "10.0.0.9",
        "hostIP": "10.0.0.1",
        "startTime": "2026-11-23T09:53:47Z",
        "containerStatuses": [
            {
                "name": "web",
                "ready": False,
                "restartCount": 0,
                "image": "nginx:1.27",
                "imageID": "",
                "state": {"terminated": {"exitCode": 3, "finishedAt": "2026-11-23T09:53:50Z"}},
            }
        ],
    }
    new = pod_reading.read_status(document, old)
    assert (new.phase, new.pod_ip, new.exit_code) == ("Failed", "10.0.0.9", 3)
    assert (new.started_ms, new.finished_ms) == (1_795_427_627_000, 1_795_427_630_000)
    status = shown(new)["status"]
    assert (status["hostIP"], status["podIPs"]) == ("10.0.0.1", [{"ip": "10.0.0.9"}])
    assert pod_reading.read_status(shown(new), new) == new


def test_a_phase_that_there_is_not_is_refused() -> None:
    old = msgspec.structs.replace(read(), uid="u", **BOUND)
    with pytest.raises(Invalid, match="Unsupported value"):
        pod_reading.read_status({**shown(old), "status": {"phase": "Walking"}}, old)


def test_a_pod_that_names_its_node_is_read_as_bound_to_it() -> None:
    pod = read(nodeName="node-1")
    assert (pod.node_name, pod.bound_ms) == ("node-1", None)
    assert "nodeName" not in pod.spec
