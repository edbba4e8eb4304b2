"""What Kubernetes fills into the specification of a pod where its writer said nothing, in templates as in pods.

Source: `SetDefaults_PodSpec`, `SetDefaults_Container` and their neighbours in pkg/apis/core/v1 of Kubernetes. Go
programs send the zero value of fields that cannot be absent, so 0, "" and an empty object count as nothing said.
"""

import re
from typing import Any

from kuberklone.apimachinery.document import Document

_MODE = 0o644  # of files that a volume shows; JSON says 420
_TOKEN_SECONDS = 3600
_GRACE_SECONDS = 30
_PROBE = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
# A tag after the last slash, or a digest: what is named so stays the same.
_TAG = re.compile(r":(?P<tag>[^/:@]+)(@|$)")


def pod(document: Document) -> None:
    """Fills in a pod."""
    spec = document.setdefault("spec", {})
    pod_spec(spec)
    if spec.get("enableServiceLinks") is None:
        spec["enableServiceLinks"] = True
    _requests_from_limits(spec)


def pod_spec(spec: Document) -> None:
    """Fills in a pod's specification, or a template's."""
    _fill(
        spec,
        {
            "restartPolicy": "Always",
            "dnsPolicy": "ClusterFirst",
            "schedulerName": "default-scheduler",
        },
    )
    if spec.get("terminationGracePeriodSeconds") is None:
        spec["terminationGracePeriodSeconds"] = _GRACE_SECONDS
    if spec.get("securityContext") is None:
        spec["securityContext"] = {}
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        # The second is the first's old name, which clients still read.
        spec["serviceAccountName"] = spec["serviceAccount"] = account
    for volume in spec.get("volumes") or []:
        _volume(volume)
    for toleration in spec.get("tolerations") or []:
        if toleration.get("operator") == "":
            # Nothing said means Equal; the scheduler knows the two words only.
            del toleration["operator"]
    for container in all_containers(spec):
        _container(container)
        if spec.get("hostNetwork"):
            for port in container.get("ports") or []:
                port["hostPort"] = port.get("hostPort") or port.get("containerPort")


def template(spec: Document) -> None:
    """Fills in `template` of the specification of a kind that makes pods."""
    found = spec.get("template")
    if isinstance(found, dict) and isinstance(found.get("spec"), dict):
        pod_spec(found["spec"])


def _requests_from_limits(spec: Document) -> None:
    """A container that says only what it may take at most is given as much."""
    for container in all_containers(spec):
        resources = container.get("resources") or {}
        if resources.get("limits"):
            resources["requests"] = {**resources["limits"], **(resources.get("requests") or {})}


def all_containers(spec: Document) -> list[Document]:
    """Init containers, containers and ephemeral ones, in this order."""
    return [
        container
        for section in ("initContainers", "containers", "ephemeralContainers")
        for container in spec.get(section) or []
    ]


def _container(container: Document) -> None:
    _fill(
        container,
        {
            "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File",
            "imagePullPolicy": _pull_policy(container.get("image") or ""),
        },
    )
    if container.get("resources") is None:
        container["resources"] = {}
    for port in container.get("ports") or []:
        _fill(port, {"protocol": "TCP"})
    for variable in container.get("env") or []:
        _field_reference(variable.get("valueFrom"))
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        probe = container.get(name)
        if probe:
            _fill(probe, _PROBE)
            _action(probe)
    for hook in (container.get("lifecycle") or {}).values():
        if isinstance(hook, dict):
            _action(hook)


def _pull_policy(image: str) -> str:
    if "@" in image:
        return "IfNotPresent"
    tag = _TAG.search(image)
    return "Always" if tag is None or tag["tag"] == "latest" else "IfNotPresent"


def _action(holder: Document) -> None:
    if holder.get("httpGet"):
        _fill(holder["httpGet"], {"path": "/", "scheme": "HTTP"})
    if holder.get("grpc") and holder["grpc"].get("service") is None:
        holder["grpc"]["service"] = ""


def _volume(volume: Document) -> None:
    if not any(isinstance(value, dict) for key, value in volume.items() if key != "name"):
        volume["emptyDir"] = {}
    for name in ("secret", "configMap", "projected", "downwardAPI"):
        source = volume.get(name)
        if isinstance(source, dict) and source.get("defaultMode") is None:
            source["defaultMode"] = _MODE
    if isinstance(volume.get("hostPath"), dict) and volume["hostPath"].get("type") is None:
        volume["hostPath"]["type"] = ""
    _downward(volume.get("downwardAPI"))
    for source in (volume.get("projected") or {}).get("sources") or []:
        _downward(source.get("downwardAPI"))
        token = source.get("serviceAccountToken")
        if isinstance(token, dict):
            _fill(token, {"expirationSeconds": _TOKEN_SECONDS})


def _downward(source: Any) -> None:
    for item in (source or {}).get("items") or []:
        _field_reference(item)


def _field_reference(holder: Any) -> None:
    reference = (holder or {}).get("fieldRef")
    if reference:
        _fill(reference, {"apiVersion": "v1"})


def _fill(document: Document, values: Document) -> None:
    for key, value in values.items():
        if not document.get(key):
            document[key] = value
