"""Kinds in two versions: whichever is asked for, it says the same."""

from typing import Any

import pytest

from kuberklone.apimachinery import schemas
from kuberklone.apimachinery.document import Document
from kuberklone.kinds.preparing import prepared
from tests.kinds import examples

V1 = examples.served("autoscaling/v1", "HorizontalPodAutoscaler")
V2 = examples.served("autoscaling/v2", "HorizontalPodAutoscaler")
NEW_EVENT = examples.served("events.k8s.io/v1", "Event")
REFERENCE = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}


def cpu(**target: Any) -> Document:
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


MEMORY = {
    "type": "Resource",
    "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "64Mi"}},
}
BEHAVIOR = {"scaleDown": {"stabilizationWindowSeconds": 60}}


def autoscaler(**spec: Any) -> Document:
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"scaleTargetRef": REFERENCE, "minReplicas": 1, "maxReplicas": 5, **spec},
    }


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(autoscaler(metrics=[cpu(type="Utilization", averageUtilization=50)]), id="cpu"),
        pytest.param(autoscaler(metrics=[cpu(type="Utilization", averageUtilization=50), MEMORY]), id="cpu and memory"),
        pytest.param(autoscaler(metrics=[MEMORY], behavior=BEHAVIOR), id="memory and a behaviour"),
        pytest.param(autoscaler(metrics=[cpu(type="AverageValue", averageValue="100m")]), id="an amount of cpu"),
    ],
)
def test_an_autoscaler_survives_the_way_through_v1(document: Document) -> None:
    old = V1.shown(document)
    assert schemas.validate("autoscaling/v1", "HorizontalPodAutoscaler", old) == []
    assert V1.stored(old) == document


def test_v1_says_the_share_of_cpu_as_one_number() -> None:
    document = autoscaler(metrics=[MEMORY, cpu(type="Utilization", averageUtilization=50)])
    assert V1.shown(document)["spec"]["targetCPUUtilizationPercentage"] == 50


def test_v1_says_how_it_goes() -> None:
    current = {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 40}}}
    status = {"currentReplicas": 2, "desiredReplicas": 3, "currentMetrics": [current]}
    document = {**autoscaler(metrics=[MEMORY]), "status": status}
    told = V1.shown(document)["status"]
    assert told == {"currentReplicas": 2, "desiredReplicas": 3, "currentCPUUtilizationPercentage": 40}
    assert V1.stored(V1.shown(document)) == document


def test_what_a_person_has_broken_in_an_annotation_says_nothing() -> None:
    document = examples.document("autoscaling/v1", "HorizontalPodAutoscaler")
    document["metadata"]["annotations"] = {"autoscaling.alpha.kubernetes.io/metrics": "{", "mine": "yes"}
    stored = prepared(V1, document)
    assert stored["spec"]["metrics"] == [cpu(type="Utilization", averageUtilization=50)]
    assert stored["metadata"]["annotations"] == {"mine": "yes"}


def test_an_answer_has_the_version_that_was_asked() -> None:
    stored = prepared(V1, examples.document("autoscaling/v1", "HorizontalPodAutoscaler"))
    assert stored["apiVersion"] == "autoscaling/v2"
    assert V1.shown(stored)["apiVersion"] == "autoscaling/v1"
    assert V2.shown(stored)["apiVersion"] == "autoscaling/v2"


def test_an_event_of_the_new_version_is_kept_as_one_of_the_old() -> None:
    document = examples.document("events.k8s.io/v1", "Event")
    stored = prepared(NEW_EVENT, document)
    assert stored["apiVersion"] == "v1"
    assert stored["message"] == document["note"]
    assert stored["involvedObject"] == document["regarding"]
    assert NEW_EVENT.shown(stored) == document


def test_an_event_of_the_cluster_fits_the_new_version() -> None:
    stored = prepared(examples.served("v1", "Event"), examples.document("v1", "Event"))
    assert schemas.validate("events.k8s.io/v1", "Event", NEW_EVENT.shown(stored)) == []
