"""The leases of nodes are their heartbeats: there for whoever looks, and no records."""

from kuberklone.store import heartbeats, nodes
from kuberklone.store.transaction import write
from tests.api.kubernetes.client import names, refused
from tests.api.running import Api

LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
_MOMENT_MS = 1_795_000_000_123


def _beat(api: Api, name: str, *, now_ms: int = _MOMENT_MS) -> None:
    with write(api.store) as transaction:
        (node,) = nodes.named(transaction.connection, [name])
        heartbeats.register(
            transaction.connection, [(node.uid, "boot")], path="simulator", now_ms=now_ms, granted_until_ms=0
        )


def test_a_node_that_was_heard_has_a_lease_renewed_by_its_last_beat(api: Api) -> None:
    api.post("/add_node", {"cpus": 2, "name": "node-1"})
    _beat(api, "node-1")
    lease = api.get(f"{LEASES}/node-1")
    assert lease["spec"]["holderIdentity"] == "node-1"
    assert lease["spec"]["renewTime"].endswith(".123000Z")
    (owner,) = lease["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"]) == ("Node", "node-1")
    _beat(api, "node-1", now_ms=_MOMENT_MS + 877)
    again = api.get(f"{LEASES}/node-1")
    assert again["metadata"]["uid"] == lease["metadata"]["uid"]
    assert again["spec"]["renewTime"].endswith(".000000Z")


def test_they_are_listed_in_their_namespace_and_in_all(api: Api) -> None:
    for name in ("node-1", "node-2", "silent"):
        api.post("/add_node", {"cpus": 2, "name": name})
    for name in ("node-1", "node-2"):
        _beat(api, name)
    assert names(api.get(LEASES)) == ["node-1", "node-2"]
    assert names(api.get("/apis/coordination.k8s.io/v1/leases")) == ["node-1", "node-2"]
    assert names(api.get("/apis/coordination.k8s.io/v1/namespaces/default/leases")) == []


def test_there_is_none_for_a_node_that_was_never_heard(api: Api) -> None:
    api.post("/add_node", {"cpus": 2, "name": "node-1"})
    refused(api.http.get(f"{LEASES}/node-1"), 404, "NotFound")
