"""What no schema can say: each bad document is refused by the field that is wrong, in Kubernetes' words."""

import copy
from typing import Any

import pytest

from kuberklone.apimachinery.document import Document
from kuberklone.kinds.preparing import prepared
from tests.kinds import examples

CONTAINER, LABELS = examples.CONTAINER, examples.LABELS


def problems(api_version: str, kind: str, changes: dict[str, Any], *, update: bool = False) -> list[str]:
    """What is said of the example of a kind with other values at some paths; of an update from the example."""
    served = examples.served(api_version, kind)
    example = examples.document(api_version, kind)
    document = copy.deepcopy(example)
    for path, value in changes.items():
        _put(document, path.split("/"), value)
    old = prepared(served, example) if update else None
    found = served.kind.validate(prepared(served, document), old)
    return [f"{problem.path}: {problem.message}" for problem in found]


def _put(document: Any, path: list[str], value: Any) -> None:
    *parents, last = path
    for part in parents:
        document = document[int(part)] if part.isdecimal() else document.setdefault(part, {})
    document[last] = value


POD = "spec/containers"
BAD_PODS = [
    ({POD: []}, "spec.containers: Required value"),
    (
        {POD: [{"name": "Web", "image": "a"}]},
        'spec.containers[0].name: Invalid value: "Web": a lowercase RFC 1123 label',
    ),
    ({POD: [{"name": "web"}]}, "spec.containers[0].image: Required value"),
    ({POD: [CONTAINER, CONTAINER]}, 'spec.containers[1].name: Duplicate value: "web"'),
    (
        {POD: [{**CONTAINER, "imagePullPolicy": "Maybe"}]},
        'spec.containers[0].imagePullPolicy: Unsupported value: "Maybe"',
    ),
    (
        {POD: [{**CONTAINER, "resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "2"}}}]},
        'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
    ),
    (
        {POD: [{**CONTAINER, "resources": {"requests": {"cpu": "-1"}}}]},
        'spec.containers[0].resources.requests.cpu: Invalid value: "-1": must be greater than or equal to 0',
    ),
    (
        {POD: [{**CONTAINER, "ports": [{"containerPort": 70000}]}]},
        "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
    ),
    (
        {POD: [{**CONTAINER, "ports": [{"containerPort": 80, "protocol": "HTTP"}]}]},
        'spec.containers[0].ports[0].protocol: Unsupported value: "HTTP": supported values: "SCTP", "TCP", "UDP"',
    ),
    (
        {POD: [{**CONTAINER, "env": [{"name": "A=B"}]}]},
        'spec.containers[0].env[0].name: Invalid value: "A=B": a valid environment variable name',
    ),
    (
        {POD: [{**CONTAINER, "volumeMounts": [{"name": "data", "mountPath": "/data"}]}]},
        'spec.containers[0].volumeMounts[0].name: Not found: "data"',
    ),
    ({POD: [{**CONTAINER, "livenessProbe": {}}], "spec/volumes": []}, None),
    (
        {POD: [{**CONTAINER, "livenessProbe": {"periodSeconds": 5}}]},
        "spec.containers[0].livenessProbe: Required value: must specify a handler type",
    ),
    (
        {POD: [{**CONTAINER, "ports": [{"containerPort": 80, "name": "a"}, {"containerPort": 81, "name": "a"}]}]},
        'spec.containers[0].ports[1].name: Duplicate value: "a"',
    ),
    (
        {POD: [{**CONTAINER, "ports": [{"containerPort": 80, "name": "1234"}]}]},
        'spec.containers[0].ports[0].name: Invalid value: "1234": must contain only alpha-numeric characters',
    ),
    ({POD: [{**CONTAINER, "ports": [{"name": "a"}]}]}, "spec.containers[0].ports[0].containerPort: Required value"),
    (
        {POD: [{**CONTAINER, "ports": [{"containerPort": 80, "hostPort": 99999}]}]},
        "spec.containers[0].ports[0].hostPort: Invalid value: 99999",
    ),
    ({POD: [{**CONTAINER, "env": [{"name": "", "value": "a"}]}]}, "spec.containers[0].env[0].name: Required value"),
    (
        {POD: [{**CONTAINER, "env": [{"name": "A", "value": "a", "valueFrom": {"fieldRef": {"fieldPath": "b"}}}]}]},
        "spec.containers[0].env[0].valueFrom: Invalid value",
    ),
    ({POD: [{**CONTAINER, "image": " nginx"}]}, 'spec.containers[0].image: Invalid value: " nginx"'),
    (
        {POD: [{**CONTAINER, "volumeMounts": [{"mountPath": "/a"}]}]},
        "spec.containers[0].volumeMounts[0].name: Required value",
    ),
    (
        {POD: [{**CONTAINER, "volumeMounts": [{"name": "a"}]}], "spec/volumes": [{"name": "a"}]},
        "spec.containers[0].volumeMounts[0].mountPath: Required value",
    ),
    (
        {
            POD: [{**CONTAINER, "volumeMounts": [{"name": "a", "mountPath": "/a"}, {"name": "a", "mountPath": "/a"}]}],
            "spec/volumes": [{"name": "a"}],
        },
        'spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/a": must be unique',
    ),
    (
        {POD: [{**CONTAINER, "livenessProbe": {"exec": {"command": ["a"]}, "successThreshold": 2}}]},
        "spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1",
    ),
    ({POD: [{**CONTAINER, "readinessProbe": {"exec": {"command": ["a"]}, "successThreshold": 2}}]}, None),
    (
        {POD: [{**CONTAINER, "readinessProbe": {"exec": {"command": ["a"]}, "tcpSocket": {"port": 80}}}]},
        "spec.containers[0].readinessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type",
    ),
    (
        {"spec/volumes": [{"name": "a", "emptyDir": {}, "hostPath": {"path": "/a"}}]},
        "spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type",
    ),
    ({"spec/volumes": [{"name": ""}]}, "spec.volumes[0].name: Required value"),
    ({"spec/nodeName": "a b"}, 'spec.nodeName: Invalid value: "a b"'),
    ({"spec/tolerations": [{"key": "a b"}]}, 'spec.tolerations[0].key: Invalid value: "a b"'),
    ({"spec/tolerations": [{"key": "a", "value": "b c"}]}, 'spec.tolerations[0].operator: Invalid value: "b c"'),
    (
        {"spec/tolerations": [{"key": "a", "operator": "Exists", "value": "b"}]},
        "spec.tolerations[0].operator: Invalid value: \"b\": value must be empty when `operator` is 'Exists'",
    ),
    ({"spec/restartPolicy": "Sometimes"}, 'spec.restartPolicy: Unsupported value: "Sometimes"'),
    ({"spec/dnsPolicy": "Mine"}, 'spec.dnsPolicy: Unsupported value: "Mine"'),
    ({"spec/terminationGracePeriodSeconds": -1}, "spec.terminationGracePeriodSeconds: Invalid value: -1"),
    ({"spec/activeDeadlineSeconds": 0}, "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1"),
    ({"spec/overhead": {"cpu": "1e400"}}, 'spec.overhead.cpu: Invalid value: "1e400"'),
    ({"spec/nodeSelector": {"a b": "c"}}, 'spec.nodeSelector: Invalid value: "a b": name part must consist'),
    ({"spec/volumes": [{"name": "a"}, {"name": "a"}]}, 'spec.volumes[1].name: Duplicate value: "a"'),
    (
        {"spec/tolerations": [{"key": "a", "operator": "Gt"}]},
        'spec.tolerations[0].operator: Unsupported value: "Gt": supported values: "Equal", "Exists"',
    ),
    ({"spec/tolerations": [{"value": "a"}]}, "spec.tolerations[0].operator: Invalid value"),
    ({"spec/tolerations": [{"operator": "Exists", "effect": "No"}]}, "spec.tolerations[0].effect: Unsupported value"),
    (
        {"spec/tolerations": [{"operator": "Exists", "tolerationSeconds": 3}]},
        "spec.tolerations[0].effect: Invalid value: \"\": effect must be 'NoExecute' when `tolerationSeconds` is set",
    ),
]


@pytest.mark.parametrize(("changes", "said"), BAD_PODS)
def test_a_pod_that_cannot_be_is_refused(changes: dict[str, Any], said: str | None) -> None:
    found = problems("v1", "Pod", changes)
    if said is None:
        assert found == []
    else:
        assert len(found) == 1
        assert found[0].startswith(said), found[0]


@pytest.mark.parametrize(
    ("changes", "is_allowed"),
    [
        pytest.param({POD: [{**CONTAINER, "image": "nginx:1.28"}]}, True, id="image"),
        pytest.param({"metadata/labels": {"a": "b"}}, True, id="labels"),
        pytest.param({"spec/tolerations": [{"operator": "Exists"}]}, True, id="one more toleration"),
        pytest.param({"spec/activeDeadlineSeconds": 30}, True, id="deadline"),
        pytest.param({POD: [{**CONTAINER, "command": ["sh"]}]}, False, id="command"),
        pytest.param({POD: [CONTAINER, {"name": "b", "image": "b"}]}, False, id="one more container"),
        pytest.param({"spec/nodeSelector": {"zone": "a"}}, False, id="node selector"),
        pytest.param({"spec/restartPolicy": "Never"}, False, id="restart policy"),
        pytest.param({"spec/terminationGracePeriodSeconds": 5}, False, id="grace"),
    ],
)
def test_an_update_of_a_pod_changes_little(changes: dict[str, Any], *, is_allowed: bool) -> None:
    found = problems("v1", "Pod", changes, update=True)
    assert (found == []) is is_allowed
    if found:
        assert found[0].startswith("spec: Forbidden: pod updates may not change fields other than `spec.containers")


@pytest.mark.parametrize(
    ("before", "after", "is_allowed"),
    [
        pytest.param(30, 20, True, id="sooner"),
        pytest.param(30, 40, False, id="later"),
        pytest.param(30, None, False, id="never"),
    ],
)
def test_a_deadline_only_comes_nearer(before: int, after: int | None, *, is_allowed: bool) -> None:
    served = examples.served("v1", "Pod")
    old = prepared(served, examples.document("v1", "Pod"))
    new = copy.deepcopy(old)
    old["spec"]["activeDeadlineSeconds"] = before
    if after is not None:
        new["spec"]["activeDeadlineSeconds"] = after
    fields = [problem.path for problem in served.kind.validate(new, old)]
    assert fields == ([] if is_allowed else ["spec.activeDeadlineSeconds"])


def test_a_pod_is_not_placed_by_an_update() -> None:
    found = problems("v1", "Pod", {"spec/nodeName": "node-1"}, update=True)
    assert [text.partition(":")[0] for text in found] == ["spec.nodeName"]


BAD = [
    ("apps/v1", "Deployment", {"spec/replicas": -1}, "spec.replicas: Invalid value: -1: must be greater than or equal"),
    (
        "apps/v1",
        "Deployment",
        {"spec/selector": {"matchLabels": {"app": "other"}}},
        'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
    ),
    ("apps/v1", "Deployment", {"spec/selector": {}}, "spec.selector: Required value"),
    (
        "apps/v1",
        "Deployment",
        {"spec/selector": {"matchExpressions": [{"key": "app", "operator": "Like"}]}},
        "spec.selector.matchExpressions[0].operator:",
    ),
    ("apps/v1", "Deployment", {"spec/strategy": {"type": "Magic"}}, 'spec.strategy.type: Unsupported value: "Magic"'),
    (
        "apps/v1",
        "Deployment",
        {"spec/strategy": {"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}},
        "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
    ),
    (
        "apps/v1",
        "Deployment",
        {"spec/strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "0%"}}},
        'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0',
    ),
    (
        "apps/v1",
        "Deployment",
        {"spec/strategy": {"rollingUpdate": {"maxUnavailable": "101%"}}},
        'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%',
    ),
    ("apps/v1", "Deployment", {"spec/progressDeadlineSeconds": 0}, "spec.progressDeadlineSeconds: Invalid value: 0"),
    (
        "apps/v1",
        "ReplicaSet",
        {"spec/template/spec/restartPolicy": "Never"},
        'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ),
    ("v1", "ReplicationController", {"spec/selector": {"app": "x"}}, "spec.template.metadata.labels: Invalid value"),
    ("apps/v1", "StatefulSet", {"spec/podManagementPolicy": "Any"}, "spec.podManagementPolicy: Unsupported value"),
    ("apps/v1", "DaemonSet", {"spec/updateStrategy": {"type": "Any"}}, "spec.updateStrategy.type: Unsupported value"),
    (
        "batch/v1",
        "Job",
        {"spec/template": {"spec": {"containers": [CONTAINER]}}},
        'spec.template.spec.restartPolicy: Unsupported value: "Always": supported values: "Never", "OnFailure"',
    ),
    ("batch/v1", "Job", {"spec/completionMode": "Indexed", "spec/parallelism": 2}, "spec.completions: Required value"),
    ("batch/v1", "CronJob", {"spec/schedule": "* * *"}, 'spec.schedule: Invalid value: "* * *": expected exactly 5'),
    ("batch/v1", "CronJob", {"spec/timeZone": "Moon/Crater"}, "spec.timeZone: Invalid value"),
    ("policy/v1", "PodDisruptionBudget", {"spec/maxUnavailable": 1}, "spec: Invalid value"),
    ("v1", "Service", {"spec/ports": []}, "spec.ports: Required value"),
    ("v1", "Service", {"spec/type": "Magic"}, 'spec.type: Unsupported value: "Magic"'),
    ("v1", "Service", {"spec/ports": [{"port": 0}]}, "spec.ports[0].port: Invalid value: 0: must be between 1"),
    ("v1", "Service", {"spec/ports": [{"port": 80}, {"port": 81, "name": "b"}]}, "spec.ports[0].name: Required value"),
    ("v1", "ConfigMap", {"data": {"a b": "c"}}, 'data[a b]: Invalid value: "a b": a valid config key'),
    ("v1", "ConfigMap", {"binaryData": {"sky": "AA=="}}, 'data[sky]: Duplicate value: "sky"'),
    ("v1", "ConfigMap", {"data": {"a": "b" * 2**20}}, None),
    ("v1", "ConfigMap", {"data": {"a": "b" * (2**20 + 1)}}, ": Too long: may not be more than 1048576 bytes"),
    ("v1", "Secret", {"type": "kubernetes.io/tls"}, "data[tls.crt]: Required value"),
    ("v1", "PersistentVolume", {"spec/accessModes": []}, "spec.accessModes: Required value"),
    ("v1", "PersistentVolumeClaim", {"spec/resources": {}}, "spec.resources[storage]: Required value"),
    ("v1", "ResourceQuota", {"spec/hard": {"cpu": "much"}}, 'spec.hard.cpu: Invalid value: "much"'),
    ("v1", "Event", {"type": "Loud"}, 'type: Unsupported value: "Loud"'),
    ("coordination.k8s.io/v1", "Lease", {"spec/leaseDurationSeconds": 0}, "spec.leaseDurationSeconds: Invalid value"),
    ("scheduling.k8s.io/v1", "PriorityClass", {"metadata/name": "system-x"}, "metadata.name: Forbidden"),
    ("scheduling.k8s.io/v1", "PriorityClass", {"value": 2_000_000_000}, "value: Forbidden: maximum allowed value"),
    ("autoscaling/v2", "HorizontalPodAutoscaler", {"spec/minReplicas": 9}, "spec.maxReplicas: Invalid value: 5"),
    ("networking.k8s.io/v1", "Ingress", {"spec/defaultBackend": None}, "spec: Invalid value"),
    (
        "networking.k8s.io/v1",
        "Ingress",
        {"spec/rules": [{"http": {"paths": [{"path": "a", "pathType": "Exact"}]}}]},
        'spec.rules[0].http.paths[0].path: Invalid value: "a": must be an absolute path',
    ),
    (
        "networking.k8s.io/v1",
        "Ingress",
        {"spec/rules": [{"http": {"paths": [{"path": "/a"}]}}]},
        "spec.rules[0].http.paths[0].pathType: Required value",
    ),
    ("networking.k8s.io/v1", "ServiceCIDR", {"spec/cidrs": []}, "spec.cidrs: Required value"),
    ("v1", "Service", {"spec/type": "ExternalName"}, "spec.externalName: Required value"),
    ("v1", "PersistentVolume", {"spec/capacity": {}}, "spec.capacity: Required value"),
    ("v1", "PersistentVolumeClaim", {"spec/accessModes": []}, "spec.accessModes: Required value"),
    (
        "v1",
        "ReplicationController",
        {"spec/template/metadata": {}, "spec/selector": {}},
        "spec.selector: Required value",
    ),
    ("v1", "Event", {"involvedObject/namespace": "other"}, 'involvedObject.namespace: Invalid value: "other"'),
    ("v1", "Event", {"message": "a" * 1025}, "message: Too long: may not be more than 1024 bytes"),
    ("batch/v1", "CronJob", {"spec/schedule": ""}, "spec.schedule: Required value"),
    ("batch/v1", "CronJob", {"metadata/name": "a" * 53}, "metadata.name: Invalid value"),
    ("batch/v1", "CronJob", {"spec/schedule": "@daily"}, None),
    ("autoscaling/v2", "HorizontalPodAutoscaler", {"spec/minReplicas": 0}, "spec.minReplicas: Invalid value: 0"),
    ("autoscaling/v2", "HorizontalPodAutoscaler", {"spec/maxReplicas": 0}, "spec.maxReplicas: Invalid value: 0"),
    (
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        {"spec/scaleTargetRef": {"kind": "Deployment", "name": ""}},
        "spec.scaleTargetRef.name: Required value",
    ),
    ("rbac.authorization.k8s.io/v1", "Role", {"rules": [{"verbs": []}]}, "rules[0].verbs: Required value"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding", {"roleRef/name": ""}, "roleRef.name: Required value"),
    (
        "rbac.authorization.k8s.io/v1",
        "RoleBinding",
        {"subjects": [{"kind": "ServiceAccount", "name": "x"}]},
        "subjects[0].namespace: Required value",
    ),
    ("storage.k8s.io/v1", "VolumeAttributesClass", {"driverName": ""}, "driverName: Required value"),
    ("networking.k8s.io/v1", "NetworkPolicy", {"spec/policyTypes": ["Up"]}, "spec.policyTypes[0]: Unsupported value"),
    ("rbac.authorization.k8s.io/v1", "Role", {"rules": [{"verbs": ["get"]}]}, "rules[0].apiGroups: Required value"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding", {"subjects": [{"kind": "Dog", "name": "x"}]}, "subjects[0].kind"),
    ("storage.k8s.io/v1", "StorageClass", {"provisioner": ""}, "provisioner: Required value"),
    ("node.k8s.io/v1", "RuntimeClass", {"handler": "Run C"}, "handler: Invalid value"),
]


@pytest.mark.parametrize(("api_version", "kind", "changes", "said"), BAD)
def test_a_bad_document_is_refused_by_its_field(
    api_version: str, kind: str, changes: dict[str, Any], said: str | None
) -> None:
    found = problems(api_version, kind, changes)
    if said is None:
        assert found == []
    else:
        assert found
        assert found[0].startswith(said), found[0]


FIXED: list[tuple[str, str, dict[str, Any], str]] = [
    ("apps/v1", "Deployment", {"spec/selector/matchLabels": {"app": "web", "b": "c"}}, "spec.selector"),
    ("apps/v1", "ReplicaSet", {"spec/selector/matchLabels": {}}, "spec.selector"),
    ("apps/v1", "StatefulSet", {"spec/serviceName": "other"}, "spec"),
    ("batch/v1", "Job", {"spec/completions": 9}, "spec.completions"),
    ("batch/v1", "Job", {"spec/template/spec/hostname": "x"}, "spec.template"),
    ("v1", "Secret", {"type": "example.com/other"}, "type"),
    ("scheduling.k8s.io/v1", "PriorityClass", {"value": 5}, "value"),
    ("storage.k8s.io/v1", "StorageClass", {"provisioner": "other"}, "provisioner"),
    ("storage.k8s.io/v1", "StorageClass", {"parameters": {"a": "b"}}, "parameters"),
    ("storage.k8s.io/v1", "VolumeAttributesClass", {"driverName": "other"}, "driverName"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding", {"roleRef/name": "other"}, "roleRef"),
    ("discovery.k8s.io/v1", "EndpointSlice", {"addressType": "IPv6"}, "addressType"),
    ("node.k8s.io/v1", "RuntimeClass", {"handler": "other"}, "handler"),
    ("networking.k8s.io/v1", "IngressClass", {"spec/controller": "other"}, "spec.controller"),
    ("networking.k8s.io/v1", "ServiceCIDR", {"spec/cidrs": ["10.1.0.0/16"]}, "spec.cidrs"),
    ("v1", "PersistentVolume", {"spec/volumeMode": "Block"}, "spec.volumeMode"),
    ("storage.k8s.io/v1", "VolumeAttributesClass", {"parameters": {"a": "b"}}, "parameters"),
    ("scheduling.k8s.io/v1", "PriorityClass", {"preemptionPolicy": "Never"}, "preemptionPolicy"),
    ("apps/v1", "ControllerRevision", {"data": {"other": 1}}, "data"),
]


@pytest.mark.parametrize(("api_version", "kind", "changes", "field"), FIXED)
def test_what_is_decided_once_stays(api_version: str, kind: str, changes: dict[str, Any], field: str) -> None:
    assert problems(api_version, kind, changes) == [] or field == "spec.selector"
    assert field in [text.partition(":")[0] for text in problems(api_version, kind, changes, update=True)]


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"data": {"sky": "grey"}}, ["data"]),
        ({"immutable": False}, ["immutable"]),
        ({"metadata/labels": {"a": "b"}}, []),
    ],
)
def test_data_that_is_declared_immutable_is(changes: Document, fields: list[str]) -> None:
    served = examples.served("v1", "ConfigMap")
    old = prepared(served, examples.document("v1", "ConfigMap", immutable=True))
    new = copy.deepcopy(old)
    for path, value in changes.items():
        _put(new, path.split("/"), value)
    assert [problem.path for problem in served.kind.validate(new, old)] == fields


def test_a_claim_with_a_volume_only_grows() -> None:
    served = examples.served("v1", "PersistentVolumeClaim")
    old = prepared(served, examples.document("v1", "PersistentVolumeClaim"))
    old["spec"]["volumeName"] = "data"
    grown = copy.deepcopy(old)
    grown["spec"]["resources"]["requests"]["storage"] = "9Gi"
    assert list(served.kind.validate(grown, old)) == []
    moved = {**old, "spec": {**old["spec"], "volumeName": "other"}}
    assert [problem.path for problem in served.kind.validate(moved, old)] == ["spec"]
