"""What Kubernetes fills in where nothing is said: a table of examples."""

from typing import Any

import pytest

from kuberklone.apimachinery.document import Document
from kuberklone.kinds import columns
from kuberklone.kinds.preparing import prepared, without_nulls
from tests.kinds import examples

CONTAINER = examples.CONTAINER
FIRST = "spec.containers"


def filled(api_version: str, kind: str, **members: Any) -> Document:
    return prepared(examples.served(api_version, kind), examples.document(api_version, kind, **members))


@pytest.mark.parametrize(
    ("api_version", "kind", "path", "value"),
    [
        ("v1", "Pod", "spec.restartPolicy", "Always"),
        ("v1", "Pod", "spec.dnsPolicy", "ClusterFirst"),
        ("v1", "Pod", "spec.schedulerName", "default-scheduler"),
        ("v1", "Pod", "spec.terminationGracePeriodSeconds", 30),
        ("v1", "Pod", "spec.securityContext", {}),
        ("v1", "Pod", "spec.enableServiceLinks", True),
        ("apps/v1", "Deployment", "spec.strategy.type", "RollingUpdate"),
        ("apps/v1", "Deployment", "spec.strategy.rollingUpdate", {"maxUnavailable": "25%", "maxSurge": "25%"}),
        ("apps/v1", "Deployment", "spec.revisionHistoryLimit", 10),
        ("apps/v1", "Deployment", "spec.progressDeadlineSeconds", 600),
        ("apps/v1", "Deployment", "spec.template.spec.restartPolicy", "Always"),
        ("apps/v1", "StatefulSet", "spec.replicas", 1),
        ("apps/v1", "StatefulSet", "spec.podManagementPolicy", "OrderedReady"),
        ("apps/v1", "StatefulSet", "spec.updateStrategy.rollingUpdate", {"partition": 0}),
        ("apps/v1", "DaemonSet", "spec.updateStrategy.rollingUpdate", {"maxUnavailable": 1, "maxSurge": 0}),
        ("batch/v1", "Job", "spec.completions", 1),
        ("batch/v1", "Job", "spec.parallelism", 1),
        ("batch/v1", "Job", "spec.backoffLimit", 6),
        ("batch/v1", "Job", "spec.completionMode", "NonIndexed"),
        ("batch/v1", "Job", "spec.podReplacementPolicy", "TerminatingOrFailed"),
        ("batch/v1", "CronJob", "spec.concurrencyPolicy", "Allow"),
        ("batch/v1", "CronJob", "spec.successfulJobsHistoryLimit", 3),
        ("batch/v1", "CronJob", "spec.jobTemplate.spec.template.spec.dnsPolicy", "ClusterFirst"),
        ("v1", "Service", "spec.type", "ClusterIP"),
        ("v1", "Service", "spec.sessionAffinity", "None"),
        ("v1", "Service", "spec.ports", [{"port": 80, "targetPort": 8080, "protocol": "TCP"}]),
        ("v1", "Secret", "type", "Opaque"),
        ("v1", "Secret", "data", {"password": "c3dvcmRmaXNo"}),
        ("v1", "Namespace", "spec.finalizers", ["kubernetes"]),
        ("v1", "Namespace", "metadata.labels", {"tier": "front", "kubernetes.io/metadata.name": "web"}),
        ("v1", "PersistentVolume", "spec.persistentVolumeReclaimPolicy", "Retain"),
        ("v1", "PersistentVolumeClaim", "spec.volumeMode", "Filesystem"),
        ("autoscaling/v2", "HorizontalPodAutoscaler", "spec.minReplicas", 1),
        ("scheduling.k8s.io/v1", "PriorityClass", "preemptionPolicy", "PreemptLowerPriority"),
        ("storage.k8s.io/v1", "StorageClass", "volumeBindingMode", "Immediate"),
        ("networking.k8s.io/v1", "NetworkPolicy", "spec.policyTypes", ["Ingress"]),
        ("discovery.k8s.io/v1", "EndpointSlice", "ports", [{"port": 80, "protocol": "TCP", "name": ""}]),
    ],
)
def test_a_default_is_that_of_kubernetes(api_version: str, kind: str, path: str, value: Any) -> None:
    assert columns.at(filled(api_version, kind), path) == value


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("nginx:1.27", "IfNotPresent"),
        ("localhost:5000/nginx", "Always"),
        ("localhost:5000/nginx:1.27", "IfNotPresent"),
        ("nginx@sha256:0123", "IfNotPresent"),
    ],
)
def test_an_image_that_may_change_is_always_pulled(image: str, policy: str) -> None:
    pod = filled("v1", "Pod", spec={"containers": [{"name": "a", "image": image}]})
    assert pod["spec"]["containers"][0]["imagePullPolicy"] == policy


def test_a_container_is_filled_in() -> None:
    probe = {"httpGet": {"port": 80}, "timeoutSeconds": 0}
    given = {
        **CONTAINER,
        "ports": [{"containerPort": 80}],
        "livenessProbe": probe,
        "env": [{"name": "N", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
        "lifecycle": {"preStop": {"httpGet": {"port": 80}}},
        "resources": {"limits": {"cpu": "1"}},
    }
    pod = filled("v1", "Pod", spec={"containers": [given], "hostNetwork": True})
    (found,) = pod["spec"]["containers"]
    assert found["terminationMessagePath"] == "/dev/termination-log"
    assert found["terminationMessagePolicy"] == "File"
    assert found["ports"] == [{"containerPort": 80, "protocol": "TCP", "hostPort": 80}]
    assert found["livenessProbe"] == {
        "httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
        "timeoutSeconds": 1,
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": 3,
    }
    assert found["env"][0]["valueFrom"]["fieldRef"]["apiVersion"] == "v1"
    assert found["lifecycle"]["preStop"]["httpGet"] == {"port": 80, "path": "/", "scheme": "HTTP"}
    assert found["resources"]["requests"] == {"cpu": "1"}


def test_volumes_are_filled_in() -> None:
    volumes: list[Document] = [
        {"name": "nothing"},
        {"name": "text", "configMap": {"name": "colours"}},
        {"name": "host", "hostPath": {"path": "/data"}},
        {
            "name": "all",
            "projected": {
                "sources": [
                    {"serviceAccountToken": {"path": "token"}},
                    {"downwardAPI": {"items": [{"path": "n", "fieldRef": {"fieldPath": "metadata.name"}}]}},
                ]
            },
        },
    ]
    found = filled("v1", "Pod", spec={"containers": [CONTAINER], "volumes": volumes})["spec"]["volumes"]
    assert found[0]["emptyDir"] == {}
    assert found[1]["configMap"]["defaultMode"] == 420
    assert found[2]["hostPath"]["type"] == ""
    assert found[3]["projected"]["defaultMode"] == 420
    token, downward = found[3]["projected"]["sources"]
    assert token["serviceAccountToken"]["expirationSeconds"] == 3600
    assert downward["downwardAPI"]["items"][0]["fieldRef"]["apiVersion"] == "v1"


def test_the_old_name_of_an_account_means_the_same() -> None:
    spec = filled("v1", "Pod", spec={"containers": [CONTAINER], "serviceAccount": "bot"})["spec"]
    assert (spec["serviceAccountName"], spec["serviceAccount"]) == ("bot", "bot")


def test_nothing_said_is_taken_for_nothing_said() -> None:
    said: Document = {"ports": [{"port": 80, "targetPort": 0, "nodePort": 0, "protocol": ""}], "type": ""}
    spec = filled("v1", "Service", spec=said)["spec"]
    assert spec["type"] == "ClusterIP"
    assert spec["ports"] == [{"port": 80, "targetPort": 80, "protocol": "TCP"}]


def test_a_value_that_is_given_stays() -> None:
    spec = filled("apps/v1", "Deployment", spec={"replicas": 0, "strategy": {"type": "Recreate"}})["spec"]
    assert (spec["replicas"], spec["strategy"]) == (0, {"type": "Recreate"})


def test_a_node_port_service_says_how_traffic_comes_in() -> None:
    spec = filled("v1", "Service", spec={"type": "LoadBalancer", "ports": [{"port": 80}]})["spec"]
    assert spec["externalTrafficPolicy"] == "Cluster"
    assert spec["allocateLoadBalancerNodePorts"] is True


def test_a_controller_selects_what_its_template_says() -> None:
    found = filled("v1", "ReplicationController", spec={"template": examples.TEMPLATE})
    assert found["spec"]["selector"] == examples.LABELS


def test_nulls_are_left_out_at_any_depth() -> None:
    document = {"metadata": {"name": "a", "creationTimestamp": None}, "list": [{"b": None, "c": 1}, None]}
    assert without_nulls(document) == {"metadata": {"name": "a"}, "list": [{"c": 1}]}
