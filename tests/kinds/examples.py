"""One document of each kind, as small as a person would write it."""

from typing import Any

from kuberklone.apimachinery.document import Document
from kuberklone.kinds.catalogue import Served, catalogue

LABELS = {"app": "web"}
CONTAINER: Document = {"name": "web", "image": "nginx:1.27"}
TEMPLATE: Document = {"metadata": {"labels": LABELS}, "spec": {"containers": [CONTAINER]}}
SELECTOR: Document = {"matchLabels": LABELS}
FINISHING: Document = {"spec": {"restartPolicy": "Never", "containers": [CONTAINER]}}

# Members besides apiVersion, kind and metadata.
MEMBERS: dict[tuple[str, str], Document] = {
    ("v1", "ConfigMap"): {"data": {"sky": "blue"}, "immutable": False},
    ("v1", "Endpoints"): {"subsets": [{"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 80}]}]},
    ("v1", "Event"): {
        "involvedObject": {"kind": "Pod", "name": "web", "namespace": "default", "uid": "u"},
        "reason": "Started",
        "message": "Started container web",
        "source": {"component": "kubelet", "host": "node-1"},
        "firstTimestamp": "2026-11-23T09:53:47Z",
        "lastTimestamp": "2026-11-23T09:54:47Z",
        "count": 3,
    },
    ("v1", "LimitRange"): {"spec": {"limits": [{"type": "Container", "max": {"cpu": "2"}}]}},
    ("v1", "Namespace"): {},
    ("v1", "Node"): {"spec": {"taints": [{"key": "dedicated", "value": "batch", "effect": "NoSchedule"}]}},
    ("v1", "PersistentVolume"): {
        "spec": {"capacity": {"storage": "5Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/data"}}
    },
    ("v1", "PersistentVolumeClaim"): {
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}}}
    },
    ("v1", "Pod"): {"spec": {"containers": [CONTAINER]}},
    ("v1", "PodTemplate"): {"template": TEMPLATE},
    ("v1", "ReplicationController"): {"spec": {"replicas": 2, "selector": LABELS, "template": TEMPLATE}},
    ("v1", "ResourceQuota"): {"spec": {"hard": {"pods": "10"}}},
    ("v1", "Secret"): {"stringData": {"password": "swordfish"}},
    ("v1", "Service"): {"spec": {"selector": LABELS, "ports": [{"port": 80, "targetPort": 8080}]}},
    ("v1", "ServiceAccount"): {"automountServiceAccountToken": False},
    ("apps/v1", "ControllerRevision"): {"revision": 3, "data": {"spec": {}}},
    ("apps/v1", "DaemonSet"): {"spec": {"selector": SELECTOR, "template": TEMPLATE}},
    ("apps/v1", "Deployment"): {"spec": {"replicas": 3, "selector": SELECTOR, "template": TEMPLATE}},
    ("apps/v1", "ReplicaSet"): {"spec": {"replicas": 3, "selector": SELECTOR, "template": TEMPLATE}},
    ("apps/v1", "StatefulSet"): {"spec": {"serviceName": "web", "selector": SELECTOR, "template": TEMPLATE}},
    ("autoscaling/v2", "HorizontalPodAutoscaler"): {
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, "maxReplicas": 5}
    },
    ("autoscaling/v1", "HorizontalPodAutoscaler"): {
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "maxReplicas": 5,
            "targetCPUUtilizationPercentage": 50,
        }
    },
    ("batch/v1", "CronJob"): {"spec": {"schedule": "*/5 * * * *", "jobTemplate": {"spec": {"template": FINISHING}}}},
    ("batch/v1", "Job"): {"spec": {"template": FINISHING}},
    ("coordination.k8s.io/v1", "Lease"): {"spec": {"holderIdentity": "me", "leaseDurationSeconds": 15}},
    ("discovery.k8s.io/v1", "EndpointSlice"): {
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.0.0.1"]}],
        "ports": [{"port": 80}],
    },
    ("events.k8s.io/v1", "Event"): {
        "regarding": {"kind": "Pod", "name": "web", "namespace": "default", "uid": "u"},
        "reason": "Started",
        "note": "Started container web",
        "action": "Starting",
        "type": "Normal",
        "eventTime": "2026-11-23T09:53:47.000000Z",
        "reportingController": "kubelet",
        "reportingInstance": "node-1",
    },
    ("networking.k8s.io/v1", "IPAddress"): {"spec": {"parentRef": {"resource": "services", "name": "web"}}},
    ("networking.k8s.io/v1", "Ingress"): {
        "spec": {"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}, "tls": [{"hosts": ["a.b"]}]}
    },
    ("networking.k8s.io/v1", "IngressClass"): {"spec": {"controller": "example.com/ingress"}},
    ("networking.k8s.io/v1", "NetworkPolicy"): {"spec": {"podSelector": SELECTOR}},
    ("networking.k8s.io/v1", "ServiceCIDR"): {"spec": {"cidrs": ["10.0.0.0/16"]}},
    ("node.k8s.io/v1", "RuntimeClass"): {"handler": "runc"},
    ("policy/v1", "PodDisruptionBudget"): {"spec": {"minAvailable": 1, "selector": SELECTOR}},
    ("rbac.authorization.k8s.io/v1", "Role"): {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]},
    ("rbac.authorization.k8s.io/v1", "ClusterRole"): {"rules": [{"nonResourceURLs": ["/healthz"], "verbs": ["get"]}]},
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
        "subjects": [{"kind": "User", "name": "ada"}],
    },
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"): {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "reader"},
        "subjects": [{"kind": "ServiceAccount", "namespace": "default", "name": "bot"}],
    },
    ("scheduling.k8s.io/v1", "PriorityClass"): {"value": 1000, "description": "before others"},
    ("storage.k8s.io/v1", "CSIDriver"): {"spec": {"attachRequired": False}},
    ("storage.k8s.io/v1", "CSINode"): {"spec": {"drivers": [{"name": "csi.example.com", "nodeID": "n"}]}},
    ("storage.k8s.io/v1", "CSIStorageCapacity"): {"storageClassName": "fast", "capacity": "5Gi"},
    ("storage.k8s.io/v1", "StorageClass"): {"provisioner": "example.com/fast"},
    ("storage.k8s.io/v1", "VolumeAttachment"): {
        "spec": {"attacher": "csi.example.com", "nodeName": "node-1", "source": {"persistentVolumeName": "data"}}
    },
    ("storage.k8s.io/v1", "VolumeAttributesClass"): {"driverName": "csi.example.com"},
}


def served(api_version: str, kind: str) -> Served:
    """The kind in a version; it is there."""
    found = catalogue().of_document(api_version, kind)
    assert found is not None, f"{api_version} {kind}"
    return found


def document(api_version: str, kind: str, **members: Any) -> Document:
    """The example of a kind, with other members where they are given."""
    metadata: Document = {"name": "web", "labels": {"tier": "front"}}
    if served(api_version, kind).kind.namespaced:
        metadata["namespace"] = "default"
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **MEMBERS[api_version, kind], **members}
