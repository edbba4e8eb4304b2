"""Makes up pods, services and patches of them, small enough that two often speak of the same thing."""

import random
from typing import Any

Document = dict[str, Any]

# By field name, what tells the items of the merged lists apart; None where they are plain values.
_MERGE_KEYS: dict[str, str | None] = {
    "addresses": "type",
    "conditions": "type",
    "containers": "name",
    "env": "name",
    "finalizers": None,
    "hostAliases": "ip",
    "imagePullSecrets": "name",
    "ownerReferences": "uid",
    "podCIDRs": None,
    "ports": "containerPort",
    "volumeMounts": "mountPath",
    "volumes": "name",
}


class Author:
    """Draws from a seed, so that a story can be told again."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def chance(self, of: float) -> bool:
        return self._random.random() < of

    def one(self, *choices: Any) -> Any:
        return self._random.choice(choices)

    def some(self, *choices: Any) -> list[Any]:
        """Any of them, in any order."""
        return self._random.sample(choices, self._random.randint(0, len(choices)))

    def without_some(self, document: Document, kept: tuple[str, ...] = ()) -> Document:
        return {key: value for key, value in document.items() if key in kept or self.chance(0.6)}

    # ------------------------------------------------------------------------------------------------- documents

    def pod(self) -> Document:
        spec = {
            "containers": [self.container(name) for name in self.some("a", "b", "c", "d")],
            "volumes": [self.volume(name) for name in self.some("v", "w")],
            "tolerations": [{"key": key, "operator": "Exists"} for key in self.some("x", "y")],
            "nodeSelector": {key: self.one("1", "2") for key in self.some("disk", "zone")},
            "imagePullSecrets": [{"name": name} for name in self.some("s", "t")],
            "hostAliases": [{"ip": ip, "hostnames": self.some("h", "i")} for ip in self.some("1.1.1.1", "2.2.2.2")],
            "terminationGracePeriodSeconds": self.one(1, 30),
            "securityContext": self.without_some({"runAsUser": self.one(1, 2), "fsGroup": 3}),
            "affinity": {"nodeAffinity": {}} if self.chance(0.3) else {},
        }
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": self.metadata(),
            "spec": self.without_some(spec, ("containers",)),
            "status": self.without_some({"phase": self.one("Pending", "Running"), "conditions": self.conditions()}),
        }

    def metadata(self) -> Document:
        owners = [{"uid": uid, "name": uid, "kind": "Node", "apiVersion": "v1"} for uid in self.some("o", "p")]
        metadata = {
            "labels": {key: self.one("1", "2") for key in self.some("app", "tier", "x/y")},
            "annotations": {key: self.one("1", "") for key in self.some("note")},
            "finalizers": self.some("f/1", "f/2", "f/3"),
            "ownerReferences": owners,
        }
        return {"name": "web"} | self.without_some(metadata)

    def conditions(self) -> list[Document]:
        return [{"type": type_, "status": self.one("True", "False")} for type_ in self.some("Ready", "Initialized")]

    def container(self, name: str) -> Document:
        container = {
            "name": name,
            "image": self.one("i:1", "i:2"),
            "command": self.some("x", "y"),
            "env": [self.variable(key) for key in self.some("A", "B", "C")],
            "ports": [self.port(number) for number in self.some(80, 81)],
            "volumeMounts": [{"mountPath": path, "name": self.one("v", "w")} for path in self.some("/v", "/w")],
            "resources": {"requests": {key: self.one("1", "2") for key in self.some("cpu", "memory")}},
            "livenessProbe": self.one({"httpGet": {"port": 80}}, {"exec": {"command": ["x"]}}, {}),
        }
        return self.without_some(container, ("name",))

    def variable(self, name: str) -> Document:
        reference = {"configMapKeyRef": {"name": self.one("c", "d"), "key": "k"}}
        return {"name": name} | self.one({"value": self.one("1", "2")}, {"valueFrom": reference}, {})

    def port(self, number: int) -> Document:
        return {"containerPort": number} | self.without_some({"protocol": self.one("TCP", "UDP"), "name": f"p{number}"})

    def volume(self, name: str) -> Document:
        sources: tuple[Document, ...] = (
            {"emptyDir": {}},
            {"hostPath": {"path": "/x"}},
            {"secret": {"secretName": "s"}},
        )
        return {"name": name} | self.one(*sources)

    def service(self) -> Document:
        ports = [
            {"port": port, "protocol": protocol, "name": f"{protocol}{port}".lower(), "targetPort": self.one(1, "x")}
            for port, protocol in self.some((80, "TCP"), (80, "UDP"), (443, "TCP"))
        ]
        spec = {
            "ports": ports,
            "selector": {key: self.one("1", "2") for key in self.some("app", "tier")},
            "type": self.one("ClusterIP", "NodePort"),
            "externalIPs": self.some("1.1.1.1", "2.2.2.2"),
        }
        return {"apiVersion": "v1", "kind": "Service", "metadata": self.metadata(), "spec": self.without_some(spec)}

    def deployment(self) -> Document:
        pod = self.pod()
        spec = {
            "replicas": self.one(0, 1, 2),
            "selector": {"matchLabels": {"app": self.one("1", "2")}},
            "strategy": self.one({}, {"type": "Recreate"}, {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}),
            "template": {"metadata": {"labels": {"app": "1"}}, "spec": pod["spec"]},
        }
        metadata = self.metadata()
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": self.without_some(spec)}

    def config_map(self) -> Document:
        data = {key: self.one("1", "2") for key in self.some("a", "b", "c")}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": self.metadata()} | self.without_some(
            {"data": data}
        )

    def node(self) -> Document:
        taints = [{"key": key, "effect": self.one("NoSchedule", "NoExecute")} for key in self.some("t", "u")]
        spec = {
            "taints": taints,
            "unschedulable": self.one(True, False),
            "podCIDRs": self.some("1.0.0.0/8", "2.0.0.0/8"),
        }
        addresses = [{"type": type_, "address": self.one("1", "2")} for type_ in self.some("Hostname", "InternalIP")]
        status = {"conditions": self.conditions(), "addresses": addresses, "capacity": {"cpu": self.one("1", "2")}}
        return {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": self.metadata(),
            "spec": self.without_some(spec),
            "status": self.without_some(status),
        }

    def document(self) -> Document:
        make = self.one(self.pod, self.pod, self.service, self.deployment, self.config_map, self.node)
        made: Document = make()
        return made

    # --------------------------------------------------------------------------------------------------- stories

    def like(self, document: Document) -> Document:
        """Another document of the same kind."""
        other = self.document()
        while other["kind"] != document["kind"]:
            other = self.document()
        return other

    def story(self) -> Document:
        """Some writes of one object by several managers, which apply or update it."""
        document = self.document()
        writes: list[Document] = []
        for _ in range(self._random.randint(2, 6)):
            wanted = self.like(document)
            if writes and self.chance(0.5):
                wanted = self.changed(self.one(*writes)["document"], wanted)
            operation = self.one("apply", "apply", "update")
            if self.chance(0.15):
                self.double(wanted)
            manager = self.one("ann", "bob", "kubectl")
            writes.append({"operation": operation, "manager": manager, "force": self.chance(0.4), "document": wanted})
        return {"apiVersion": document["apiVersion"], "kind": document["kind"], "writes": writes}

    def double(self, document: Document) -> None:
        """Names a variable or a finalizer twice, which no schema forbids."""
        for container in document.get("spec", {}).get("containers") or []:
            if container.get("env"):
                container["env"].append(self.variable(container["env"][0]["name"]))
        if document["metadata"].get("finalizers"):
            document["metadata"]["finalizers"].append(document["metadata"]["finalizers"][0])

    def changed(self, document: Any, other: Any) -> Any:
        """The document with parts of another."""
        if not isinstance(document, dict) or not isinstance(other, dict):
            return document if self.chance(0.7) else other
        names = [*document, *(name for name in other if name not in document)]
        mixed = {name: self.changed(document.get(name, other.get(name)), other.get(name)) for name in names}
        return {name: value for name, value in mixed.items() if value is not None}

    # --------------------------------------------------------------------------------------------------- patches

    def strategic_patch(self, document: Document) -> Document:
        """What another document of the same kind says, in part, with directives."""
        keys = _MERGE_KEYS | ({"ports": "port"} if document["kind"] == "Service" else {})
        patch: Document = self._patched(self.like(document), keys)
        return {key: value for key, value in patch.items() if key not in {"kind", "apiVersion"}}

    def _patched(self, value: Any, keys: dict[str, str | None]) -> Any:
        if not isinstance(value, dict):
            return value
        patch: Document = {}
        for name, inner in value.items():
            if self.chance(0.2):
                if self.chance(0.5):
                    patch[name] = None
            elif isinstance(inner, list):
                self._patch_list(patch, name, inner, keys)
            else:
                patch[name] = self._patched(inner, keys)
        return self._directed(patch)

    def _directed(self, patch: Document) -> Document:
        if self.chance(0.03):
            return patch | {"$patch": self.one("replace", "delete")}
        if self.chance(0.03):
            return patch | {"$retainKeys": [*patch, *self.some("name", "emptyDir", "image", "type")]}
        return patch

    def _patch_list(self, patch: Document, name: str, items: list[Any], keys: dict[str, str | None]) -> None:
        key = keys.get(name)
        changed = [self._patched(item, keys) for item in items]
        if name not in keys or (items and not isinstance(items[0], dict)) != (key is None):
            patch[name] = changed
        elif key is None:
            patch[name] = changed
            if self.chance(0.4):
                patch[f"$deleteFromPrimitiveList/{name}"] = [gone for gone in ("f/1", "f/2") if gone not in changed]
            if self.chance(0.4):
                patch[f"$setElementOrder/{name}"] = self._in_order(changed, ["f/3", "f/2", "f/1"])
        else:
            changed = [item | {key: old[key]} for item, old in zip(changed, items, strict=True)]
            gone = [{"$patch": "delete", key: item[key]} for item in self.some(*changed)] if self.chance(0.3) else []
            dropped = [item[key] for item in gone]
            kept = [item for item in changed if item[key] not in dropped]
            replaced = self.chance(0.1)
            patch[name] = [*kept, *gone, *([{"$patch": "replace"}] if replaced else [])]
            if self.chance(0.4) and not replaced:
                order = self._in_order([item[key] for item in kept], ["a", "b", "c", "A", "B", "v", "/v"])
                patch[f"$setElementOrder/{name}"] = [{key: value} for value in order]

    def _in_order(self, wanted: list[Any], others: list[Any]) -> list[Any]:
        """The wanted ones in their order, with others in between."""
        order = list(wanted)
        for other in self.some(*others):
            if other not in order:
                order.insert(self._random.randint(0, len(order)), other)
        return order
