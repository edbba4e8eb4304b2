"""Reads a pod's spec: the parts that a container engine can carry out, decoded once per pod.

Source: the Pod v1 schema. Fields that are not named here (volumes, probes, ports) are passed over: nothing of ours
carries them out.
"""

import re
from collections.abc import Mapping
from typing import Literal

import msgspec

from kuberklone.agent.facts import Policy
from kuberklone.kinds import quantity


class CannotRunError(Exception):
    """The pod's spec asks for something that an agent cannot give."""


class FieldRef(msgspec.Struct, frozen=True, rename="camel"):
    field_path: str


class KeyRef(msgspec.Struct, frozen=True):
    """A key of a ConfigMap or Secret."""

    name: str = ""
    key: str = ""
    optional: bool = False


class ValueFrom(msgspec.Struct, frozen=True, rename="camel"):
    field_ref: FieldRef | None = None
    config_map_key_ref: KeyRef | None = None
    secret_key_ref: KeyRef | None = None


class EnvVar(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    value: str | None = None
    value_from: ValueFrom | None = None


Amounts = dict[str, str | int | float]


class Resources(msgspec.Struct, frozen=True):
    limits: Amounts | None = None
    requests: Amounts | None = None


class SecurityContext(msgspec.Struct, frozen=True, rename="camel"):
    run_as_user: int | None = None


class ContainerSpec(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    image: str = ""
    command: list[str] | None = None
    args: list[str] | None = None
    working_dir: str = ""
    env: list[EnvVar] | None = None
    env_from: list[msgspec.Raw] | None = None
    resources: Resources = Resources()
    image_pull_policy: Literal["Always", "IfNotPresent", "Never", ""] = ""
    security_context: SecurityContext | None = None
    stdin: bool = False
    tty: bool = False

    def cpu_limit_millis(self) -> int | None:
        given = (self.resources.limits or {}).get("cpu")
        return None if given is None else quantity.cpu_millis(given, field="resources.limits.cpu")

    def cpu_request_millis(self) -> int | None:
        given = (self.resources.requests or {}).get("cpu")
        return None if given is None else quantity.cpu_millis(given, field="resources.requests.cpu")

    def memory_limit_bytes(self) -> int | None:
        given = (self.resources.limits or {}).get("memory")
        return None if given is None else quantity.memory_bytes(given, field="resources.limits.memory")


class PodSpec(msgspec.Struct, frozen=True, rename="camel"):
    containers: list[ContainerSpec]
    init_containers: list[ContainerSpec] | None = None
    restart_policy: Policy = "Always"
    termination_grace_period_seconds: int | None = None
    service_account_name: str = ""
    hostname: str = ""

    def container(self, name: str) -> ContainerSpec:
        """The container of that name; KeyError if there is none."""
        every: list[ContainerSpec] = [*(self.init_containers or ()), *self.containers]
        return {each.name: each for each in every}[name]


class Self(msgspec.Struct, frozen=True, kw_only=True):
    """What a pod may ask about itself (the downward API)."""

    name: str
    namespace: str
    uid: str
    node_name: str
    annotations: dict[str, str]
    service_account: str
    host_ip: str
    pod_ip: str
    """Empty where it is not known before the container exists."""


_DECODER = msgspec.json.Decoder(PodSpec)


def decode(raw: bytes) -> PodSpec:
    """The spec; raises CannotRunError for one that holds no containers or has other types."""
    try:
        spec = _DECODER.decode(raw)
    except msgspec.DecodeError as error:
        raise CannotRunError(f"the pod's spec cannot be read: {error}") from error
    if not spec.containers:
        raise CannotRunError("spec.containers: the pod has none")
    return spec


def environment(container: ContainerSpec, self: Self) -> dict[str, str]:
    """The variables of a container, each of which may refer to those before it as `$(NAME)`."""
    if container.env_from:
        raise CannotRunError(
            f"container {container.name}: envFrom is not supported, because ConfigMaps stay in the API"
        )
    values: dict[str, str] = {}
    for variable in container.env or ():
        source = variable.value_from
        if source is None:
            values[variable.name] = expanded(variable.value or "", values)
        elif source.field_ref is not None:
            values[variable.name] = _field(source.field_ref.field_path, self, variable.name)
        elif not any(ref is not None and ref.optional for ref in (source.config_map_key_ref, source.secret_key_ref)):
            raise CannotRunError(f"env {variable.name}: only fieldRef is supported in valueFrom")
    return values


_ANNOTATION = re.compile(r"metadata\.annotations\['(.+)'\]")


def _field(path: str, self: Self, variable: str) -> str:
    known = {
        "metadata.name": self.name,
        "metadata.namespace": self.namespace,
        "metadata.uid": self.uid,
        "spec.nodeName": self.node_name,
        "spec.serviceAccountName": self.service_account,
        "status.hostIP": self.host_ip,
        "status.podIP": self.pod_ip,
    }
    annotation = _ANNOTATION.fullmatch(path)
    value = self.annotations.get(annotation.group(1), "") if annotation else known.get(path)
    if value is None or (path == "status.podIP" and not value):
        raise CannotRunError(f"env {variable}: fieldRef {path} is not supported here")
    return value


_REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_.-][A-Za-z0-9_.-]*)\)")


def expanded(text: str, values: Mapping[str, str]) -> str:
    """`$(NAME)` replaced where there is such a variable, and `$$` by `$`, as Kubernetes does in env, command, args."""

    def replace(match: re.Match[str]) -> str:
        name = match.group(1)
        return "$" if name is None else values.get(name, match.group(0))

    return _REFERENCE.sub(replace, text)
