"""Rules of a pod's containers and of the volumes they mount."""

import re
from collections.abc import Set
from typing import Any

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import amounts, rules

_WORDS = {
    "imagePullPolicy": ("Always", "IfNotPresent", "Never"),
    "terminationMessagePolicy": ("FallbackToLogsOnError", "File"),
}
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_HANDLERS = ("exec", "grpc", "httpGet", "tcpSocket")
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
# Anything but control characters and '=': what a process can find in its environment.
_VARIABLE = re.compile(r"[ -<>-~]+")


def volumes(found: list[Document], path: str) -> list[Problem]:
    """Problems of a pod's volumes."""
    problems = []
    seen: set[str] = set()
    for place, volume in enumerate(found):
        here, name = f"{path}[{place}]", volume.get("name") or ""
        problems += rules.dns_label(f"{here}.name", name)
        if name in seen:
            problems.append(rules.duplicate(f"{here}.name", name))
        seen.add(name)
        sources = [key for key in volume if key != "name"]
        problems += [
            rules.forbidden(f"{here}.{source}", "may not specify more than 1 volume type") for source in sources[1:]
        ]
    return problems


def containers(spec: Document, path: str, *, volumes: Set[Any]) -> list[Problem]:
    """Problems of all containers of a pod."""
    if not spec.get("containers"):
        return [rules.required(f"{path}.containers")]
    problems = []
    seen: set[str] = set()
    for section in ("initContainers", "containers"):
        for place, container in enumerate(spec.get(section) or []):
            here, name = f"{path}.{section}[{place}]", container.get("name") or ""
            problems += rules.dns_label(f"{here}.name", name)
            if name in seen:
                problems.append(rules.duplicate(f"{here}.name", name))
            seen.add(name)
            problems += _container(container, here, volumes)
    return problems


def _container(container: Document, path: str, volumes: Set[Any]) -> list[Problem]:
    problems = _image(container, path)
    for member, words in _WORDS.items():
        if (word := container.get(member)) and word not in words:
            problems.append(rules.unsupported(f"{path}.{member}", word, words))
    if container.get("ports"):
        problems += _ports(container["ports"], f"{path}.ports")
    if container.get("env"):
        problems += _variables(container["env"], f"{path}.env")
    if container.get("resources"):
        problems += resources(container["resources"], f"{path}.resources")
    if container.get("volumeMounts"):
        problems += _mounts(container["volumeMounts"], f"{path}.volumeMounts", volumes)
    for name in _PROBES:
        if container.get(name):
            problems += _probe(container[name], f"{path}.{name}")
    return problems


def _image(container: Document, path: str) -> list[Problem]:
    image = container.get("image") or ""
    if not image:
        return [rules.required(f"{path}.image")]
    if image != image.strip():
        return [rules.invalid(f"{path}.image", image, "must not have leading or trailing whitespace")]
    return []


def _ports(found: list[Document], path: str) -> list[Problem]:
    problems = []
    names: set[str] = set()
    for place, port in enumerate(found):
        here, name = f"{path}[{place}]", port.get("name") or ""
        if name:
            problems += rules.port_name(f"{here}.name", name)
            if name in names:
                problems.append(rules.duplicate(f"{here}.name", name))
            names.add(name)
        if not port.get("containerPort"):
            problems.append(rules.required(f"{here}.containerPort"))
        else:
            problems += rules.port(f"{here}.containerPort", port["containerPort"])
        if port.get("hostPort"):
            problems += rules.port(f"{here}.hostPort", port["hostPort"])
        problems += rules.one_of(f"{here}.protocol", port.get("protocol"), _PROTOCOLS)
    return problems


def _variables(found: list[Document], path: str) -> list[Problem]:
    problems = []
    for place, variable in enumerate(found):
        name = variable.get("name") or ""
        if not name:
            problems.append(rules.required(f"{path}[{place}].name"))
        elif not _VARIABLE.fullmatch(name):
            detail = "a valid environment variable name must consist only of printable ASCII characters other than '='"
            problems.append(rules.invalid(f"{path}[{place}].name", name, detail))
        if variable.get("value") and variable.get("valueFrom"):
            detail = "may not be specified when `value` is not empty"
            problems.append(rules.invalid(f"{path}[{place}].valueFrom", "", detail))
    return problems


def resources(found: Document, path: str) -> list[Problem]:
    """Amounts that can be read, and requests within the limits."""
    limits, requests = found.get("limits") or {}, found.get("requests") or {}
    problems = [*amounts.problems(f"{path}.limits", limits), *amounts.problems(f"{path}.requests", requests)]
    if problems:
        return problems
    return [
        rules.invalid(f"{path}.requests", str(requests[name]), f"must be less than or equal to {name} limit of {limit}")
        for name, limit in limits.items()
        if name in requests and amounts.exact(requests, name) > amounts.exact(limits, name)
    ]


def _mounts(found: list[Document], path: str, volumes: Set[Any]) -> list[Problem]:
    problems = []
    places: set[str] = set()
    for place, mount in enumerate(found):
        here, name, where = f"{path}[{place}]", mount.get("name") or "", mount.get("mountPath") or ""
        if not name:
            problems.append(rules.required(f"{here}.name"))
        elif name not in volumes:
            problems.append(rules.not_found(f"{here}.name", name))
        if not where:
            problems.append(rules.required(f"{here}.mountPath"))
        elif where in places:
            problems.append(rules.invalid(f"{here}.mountPath", where, "must be unique"))
        places.add(where)
    return problems


def _probe(probe: Document, path: str) -> list[Problem]:
    problems = []
    handlers = [name for name in _HANDLERS if probe.get(name) is not None]
    if not handlers:
        problems.append(rules.required(path, "must specify a handler type"))
    problems += [rules.forbidden(f"{path}.{name}", "may not specify more than 1 handler type") for name in handlers[1:]]
    for name in ("failureThreshold", "initialDelaySeconds", "periodSeconds", "successThreshold", "timeoutSeconds"):
        problems += rules.not_negative(f"{path}.{name}", probe.get(name))
    success = probe.get("successThreshold")
    if not path.endswith("readinessProbe") and success not in (None, 1):
        problems.append(rules.invalid(f"{path}.successThreshold", success, "must be 1"))
    return problems
