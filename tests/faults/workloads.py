"""Sets, Deployments and what guards them, among the pods of a cluster whose processes are killed."""

from typing import Any

from tests import wishes
from tests.faults.cluster import Cluster
from tests.faults.oracles import ORPHAN

SET, DEPLOYMENT = "kept", "rolled"
_ACCOUNT = "default"


def fill(cluster: Cluster) -> None:
    """A ReplicaSet, and a Deployment whose pods a budget guards."""
    for word, name in (("ReplicaSet", SET), ("Deployment", DEPLOYMENT)):
        labels = {"app": name}
        spec: dict[str, Any] = {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": wishes.pod_template(labels),
        }
        if word == "Deployment":
            # All in one step: pod by pod a rollout takes longer than everything else may take to be as it should be.
            spec["strategy"] = {"rollingUpdate": {"maxSurge": "100%", "maxUnavailable": 0}}
        wishes.create(cluster, word, name, spec=spec)
    budget = {"selector": {"matchLabels": {"app": DEPLOYMENT}}, "maxUnavailable": 1}
    wishes.create(cluster, "PodDisruptionBudget", DEPLOYMENT, spec=budget)


def scale(cluster: Cluster) -> None:
    """Each to another number, one up and one down in turns."""
    for word, name in (("ReplicaSet", SET), ("Deployment", DEPLOYMENT)):
        replicas = wishes.the(cluster, word, name)["spec"]["replicas"]
        wishes.change(cluster, word, name, {"spec": {"replicas": 3 if replicas == 2 else 2}})


def scale_up(cluster: Cluster) -> None:
    replicas = wishes.the(cluster, "ReplicaSet", SET)["spec"]["replicas"]
    wishes.change(cluster, "ReplicaSet", SET, {"spec": {"replicas": replicas + 1}})


def add_an_orphan(cluster: Cluster) -> None:
    """A pod that the set takes for its own, and then has one too many."""
    template = wishes.pod_template({"app": SET})
    wishes.create(cluster, "Pod", cluster.new_name(ORPHAN), **template)


def roll(cluster: Cluster) -> None:
    """Another image, and so another set."""
    image = cluster.new_name("image")
    spec: dict[str, Any] = wishes.pod_template({"app": DEPLOYMENT}, image=image)["spec"]
    wishes.change(cluster, "Deployment", DEPLOYMENT, {"spec": {"template": {"spec": spec}}})


def delete_an_account(cluster: Cluster) -> None:
    if wishes.get(cluster, "ServiceAccount", _ACCOUNT) is not None:
        wishes.delete(cluster, "ServiceAccount", _ACCOUNT)


def delete_a_namespace(cluster: Cluster) -> None:
    """With something in it."""
    name = cluster.new_name("place")
    wishes.create(cluster, "Namespace", name)
    wishes.create(cluster, "ConfigMap", "content", namespace=name, data={"a": "b"})
    wishes.delete(cluster, "Namespace", name)


def delete_an_owner(cluster: Cluster) -> None:
    _delete(cluster, "Background")


def delete_an_owner_first(cluster: Cluster) -> None:
    """Its dependent goes before it."""
    _delete(cluster, "Foreground")


def delete_an_owner_alone(cluster: Cluster) -> None:
    """Its dependent stays."""
    _delete(cluster, "Orphan")


def _delete(cluster: Cluster, propagation: Any) -> None:
    owner = cluster.new_name("owner")
    wishes.create(cluster, "ConfigMap", owner, data={})
    uid = wishes.the(cluster, "ConfigMap", owner)["metadata"]["uid"]
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": owner, "uid": uid, "blockOwnerDeletion": True}
    wishes.create(cluster, "ConfigMap", cluster.new_name("owned"), metadata={"ownerReferences": [reference]}, data={})
    wishes.delete(cluster, "ConfigMap", owner, propagation=propagation)


def everything(cluster: Cluster) -> None:
    """Something to write for each of their controllers."""
    scale(cluster)
    roll(cluster)
    delete_an_account(cluster)
    delete_an_owner(cluster)
