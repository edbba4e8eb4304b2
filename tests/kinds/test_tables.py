"""Tables: as much of the object as is asked for, and cells of kinds whose cells need thought."""

from typing import Any

import pytest

from kuberklone.apimachinery.document import Document
from kuberklone.kinds import tables
from tests.kinds import examples

NOW_MS = 1_795_427_700_000  # 2026-11-23T09:55:00Z
CREATED = {"name": "web", "creationTimestamp": "2026-11-23T09:50:00Z"}


def cells(api_version: str, kind: str, **members: Any) -> dict[str, Any]:
    served = examples.served(api_version, kind)
    document: Document = {"apiVersion": api_version, "kind": kind, "metadata": CREATED, **members}
    found = tables.row(served, document, NOW_MS)["cells"]
    return {column.name: cell for column, cell in zip(served.kind.columns, found, strict=True)}


def test_a_table_says_its_columns_and_a_row_for_each_document() -> None:
    served = examples.served("v1", "Namespace")
    document = examples.document("v1", "Namespace", metadata=CREATED, status={"phase": "Active"})
    found = tables.table(served, [document], NOW_MS, metadata={"resourceVersion": "7"})
    assert (found["kind"], found["apiVersion"], found["metadata"]) == (
        "Table",
        "meta.k8s.io/v1",
        {"resourceVersion": "7"},
    )
    assert [column["name"] for column in found["columnDefinitions"]] == ["Name", "Status", "Age"]
    assert found["columnDefinitions"][0]["format"] == "name"
    (row,) = found["rows"]
    assert row["cells"] == ["web", "Active", "5m"]
    assert row["object"] == {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": CREATED}


def test_a_row_holds_as_much_of_the_object_as_is_asked_for() -> None:
    served = examples.served("v1", "Namespace")
    document = examples.document("v1", "Namespace", metadata=CREATED)
    assert tables.row(served, document, NOW_MS, include="Object")["object"] == document
    assert "object" not in tables.row(served, document, NOW_MS, include="None")


def test_only_the_first_event_of_a_watch_tells_the_columns() -> None:
    served = examples.served("v1", "Namespace")
    assert tables.table(served, [], NOW_MS, metadata={}, with_columns=False)["columnDefinitions"] == []


def test_a_table_of_another_version_is_computed_from_the_kept_one() -> None:
    found = cells("autoscaling/v1", "HorizontalPodAutoscaler", spec={"targetCPUUtilizationPercentage": 50})
    assert found["Targets"] == "cpu: <unknown>/50%"


SERVICES: list[tuple[Document, Document, str, str, str]] = [
    ({"clusterIP": "10.0.0.1", "ports": [{"port": 80, "protocol": "TCP"}]}, {}, "10.0.0.1", "<none>", "80/TCP"),
    (
        {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30080, "protocol": "UDP"}]},
        {},
        "<none>",
        "<none>",
        "80:30080/UDP",
    ),
    ({"type": "LoadBalancer", "clusterIP": "10.0.0.1"}, {}, "10.0.0.1", "<pending>", "<none>"),
    (
        {"type": "LoadBalancer", "clusterIP": "10.0.0.1"},
        {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}, {"hostname": "a.b"}]}},
        "10.0.0.1",
        "1.2.3.4,a.b",
        "<none>",
    ),
    ({"type": "ExternalName", "externalName": "example.com"}, {}, "<none>", "example.com", "<none>"),
]


@pytest.mark.parametrize(("spec", "status", "cluster", "external", "ports"), SERVICES)
def test_a_service_is_said_as_people_know_it(
    spec: Document, status: Document, cluster: str, external: str, ports: str
) -> None:
    found = cells("v1", "Service", spec=spec, status=status)
    assert (found["Cluster-IP"], found["External-IP"], found["Port(s)"]) == (cluster, external, ports)


JOBS: list[tuple[Document, Document, tuple[str, str, str]]] = [
    ({"completions": 3}, {"succeeded": 1, "startTime": "2026-11-23T09:54:00Z"}, ("Running", "1/3", "60s")),
    ({"parallelism": 4}, {}, ("Running", "0/1 of 4", "")),
    ({}, {"conditions": [{"type": "Suspended", "status": "True"}]}, ("Suspended", "0/1", "")),
    (
        {"completions": 1},
        {
            "succeeded": 1,
            "startTime": "2026-11-23T09:54:00Z",
            "completionTime": "2026-11-23T09:54:05Z",
            "conditions": [{"type": "Complete", "status": "True"}],
        },
        ("Complete", "1/1", "5s"),
    ),
    ({"completions": 1}, {"conditions": [{"type": "Failed", "status": "True"}]}, ("Failed", "0/1", "")),
]


@pytest.mark.parametrize(("spec", "status", "said"), JOBS)
def test_a_job_is_said_as_people_know_it(spec: Document, status: Document, said: tuple[str, str, str]) -> None:
    found = cells("batch/v1", "Job", spec=spec, status=status)
    assert (found["Status"], found["Completions"], found["Duration"]) == said


EVENTS: list[tuple[Document, str, str, int]] = [
    ({"lastTimestamp": "2026-11-23T09:54:00Z", "firstTimestamp": "2026-11-23T09:50:00Z", "count": 4}, "60s", "5m", 4),
    ({"eventTime": "2026-11-23T09:54:00.000000Z"}, "60s", "60s", 1),
    (
        {"eventTime": "2026-11-23T09:50:00Z", "series": {"count": 9, "lastObservedTime": "2026-11-23T09:54:55Z"}},
        "5s",
        "5m",
        9,
    ),
    ({}, "<unknown>", "<unknown>", 1),
]


@pytest.mark.parametrize(("members", "last", "first", "count"), EVENTS)
def test_an_event_says_when_and_how_often(members: Document, last: str, first: str, count: int) -> None:
    found = cells("v1", "Event", involvedObject={"kind": "Pod", "name": "web"}, message=" hello\n", **members)
    assert (found["Last Seen"], found["First Seen"], found["Count"]) == (last, first, count)
    assert (found["Object"], found["Message"]) == ("pod/web", "hello")


@pytest.mark.parametrize(
    ("selector", "text"),
    [
        (None, "<none>"),
        ({}, "<none>"),
        ({"app": "web", "a": "b"}, "a=b,app=web"),
        ({"matchLabels": {"app": "web"}}, "app=web"),
        (
            {
                "matchExpressions": [
                    {"key": "tier", "operator": "In", "values": ["b", "a"]},
                    {"key": "zone", "operator": "NotIn", "values": ["c"]},
                    {"key": "x", "operator": "Exists"},
                    {"key": "y", "operator": "DoesNotExist"},
                ]
            },
            "tier in (a,b),zone notin (c),x,!y",
        ),
    ],
)
def test_a_selector_is_said_as_it_can_be_typed(selector: Document | None, text: str) -> None:
    found = cells("apps/v1", "ReplicaSet", spec={"selector": selector})
    assert found["Selector"] == text


@pytest.mark.parametrize(
    ("api_version", "kind", "members", "column", "cell"),
    [
        ("apps/v1", "Deployment", {"spec": {"replicas": 3}, "status": {"readyReplicas": 2}}, "Ready", "2/3"),
        ("policy/v1", "PodDisruptionBudget", {"spec": {"maxUnavailable": "50%"}}, "Max Unavailable", "50%"),
        ("policy/v1", "PodDisruptionBudget", {"spec": {"maxUnavailable": "50%"}}, "Min Available", "N/A"),
        ("networking.k8s.io/v1", "Ingress", {"spec": {"rules": [{"host": "a.b"}], "tls": [{}]}}, "Ports", "80, 443"),
        ("networking.k8s.io/v1", "Ingress", {"spec": {"rules": [{}]}}, "Hosts", "*"),
        ("v1", "PersistentVolume", {"spec": {"claimRef": {"namespace": "a", "name": "b"}}}, "Claim", "a/b"),
        (
            "v1",
            "PersistentVolumeClaim",
            {"spec": {"volumeName": ""}, "status": {"capacity": {"storage": "1Gi"}}},
            "Capacity",
            "",
        ),
        (
            "v1",
            "ResourceQuota",
            {"status": {"hard": {"pods": "10", "limits.cpu": "4"}, "used": {"pods": "2"}}},
            "Request",
            "pods: 2/10",
        ),
        (
            "v1",
            "Endpoints",
            {"subsets": [{"addresses": [{"ip": f"10.0.0.{n}"} for n in range(5)], "ports": [{"port": 80}]}]},
            "Endpoints",
            "10.0.0.0:80,10.0.0.1:80,10.0.0.2:80 + 2 more...",
        ),
        ("batch/v1", "CronJob", {"spec": {"suspend": True}, "status": {"active": [{}]}}, "Suspend", "True"),
        (
            "rbac.authorization.k8s.io/v1",
            "RoleBinding",
            {
                "roleRef": {"kind": "Role", "name": "reader"},
                "subjects": [{"kind": "ServiceAccount", "namespace": "a", "name": "b"}],
            },
            "ServiceAccounts",
            "a/b",
        ),
        (
            "apps/v1",
            "ControllerRevision",
            {
                "metadata": {
                    "name": "web-1",
                    "ownerReferences": [
                        {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "controller": True}
                    ],
                }
            },
            "Controller",
            "statefulset.apps/web",
        ),
    ],
)
def test_a_cell_says_what_kubectl_people_expect(
    api_version: str, kind: str, members: Document, column: str, cell: Any
) -> None:
    assert cells(api_version, kind, **members)[column] == cell
