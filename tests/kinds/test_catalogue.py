"""Every kind that was promised is there, once, and says what one must know of it."""

import pytest

from kuberklone.apimachinery import schemas
from kuberklone.kinds.catalogue import Served, catalogue
from kuberklone.kinds.stored_object import declare
from tests.kinds import examples

PROMISED = {
    "v1": (
        "configmaps endpoints events limitranges namespaces nodes persistentvolumeclaims persistentvolumes pods "
        "podtemplates replicationcontrollers resourcequotas secrets serviceaccounts services"
    ),
    "apps/v1": "controllerrevisions daemonsets deployments replicasets statefulsets",
    "autoscaling/v1": "horizontalpodautoscalers",
    "autoscaling/v2": "horizontalpodautoscalers",
    "batch/v1": "cronjobs jobs",
    "coordination.k8s.io/v1": "leases",
    "discovery.k8s.io/v1": "endpointslices",
    "events.k8s.io/v1": "events",
    "networking.k8s.io/v1": "ingressclasses ingresses ipaddresses networkpolicies servicecidrs",
    "node.k8s.io/v1": "runtimeclasses",
    "policy/v1": "poddisruptionbudgets",
    "rbac.authorization.k8s.io/v1": "clusterrolebindings clusterroles rolebindings roles",
    "scheduling.k8s.io/v1": "priorityclasses",
    "storage.k8s.io/v1": (
        "csidrivers csinodes csistoragecapacities storageclasses volumeattachments volumeattributesclasses"
    ),
}
# Of these DELETE answers the object itself; typed clients refuse anything else.
RETURN_OBJECT = {
    "pods",
    "services",
    "serviceaccounts",
    "persistentvolumes",
    "persistentvolumeclaims",
    "podtemplates",
    "resourcequotas",
    "storageclasses",
    "csidrivers",
    "csinodes",
    "volumeattachments",
    "volumeattributesclasses",
}
EVERY = [pytest.param(each, id=f"{each.api_version} {each.kind.kind}") for each in catalogue().served]


def test_every_promised_kind_is_there_and_no_other() -> None:
    found = {
        version: sorted(served.kind.resource for served in catalogue().of_group_version(version))
        for version in catalogue().group_versions()
    }
    assert found == {version: sorted(words.split()) for version, words in PROMISED.items()}


@pytest.mark.parametrize("served", EVERY)
def test_a_kind_is_one_of_kubernetes_and_is_found_by_all_its_names(served: Served) -> None:
    assert schemas.knows(served.api_version, served.kind.kind)
    version = served.api_version.rpartition("/")[2]
    assert catalogue().find(served.group, version, served.kind.resource) is served
    assert catalogue().of_group_kind(served.group, served.kind.kind) is served.kind
    assert catalogue().of_change(served.kind.group, served.kind.resource) is served.kind


@pytest.mark.parametrize("served", EVERY)
def test_a_kind_says_what_acts_on_it_and_how_it_is_printed(served: Served) -> None:
    kind = served.kind
    assert kind.acts.endswith(".")
    assert len(kind.columns) >= 2
    assert [column.name for column in kind.columns if column.format == "name"] == ["Name"]
    assert all(column.description.endswith(".") for column in kind.columns)
    assert (served.api_version, kind.kind) in examples.MEMBERS


@pytest.mark.parametrize("served", EVERY)
def test_a_warning_says_that_nothing_acts(served: Served) -> None:
    if served.kind.warning is not None:
        assert served.kind.acts.startswith("Kept")
        assert "\n" not in served.kind.warning
        assert '"' not in served.kind.warning


def test_delete_answers_what_typed_clients_expect() -> None:
    assert {kind.resource for kind in catalogue().kinds if kind.delete_returns_object} == RETURN_OBJECT


def test_no_two_kinds_share_a_word() -> None:
    words = [word for kind in catalogue().kinds for word in {*kind.short_names, kind.singular_name, kind.resource}]
    assert sorted(words) == sorted(set(words))


def test_a_kind_may_come_from_elsewhere() -> None:
    crontab = declare(kind="CronTab", resource="crontabs", api_version="stable.example.com/v1")
    more = catalogue().extended([crontab])
    found = more.find("stable.example.com", "v1", "crontabs")
    assert found is not None
    assert found.kind is crontab
    assert catalogue().find("stable.example.com", "v1", "crontabs") is None


def test_two_kinds_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two kinds are called"):
        catalogue().extended([declare(kind="Pod", resource="pods")])
