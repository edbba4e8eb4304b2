"""kubectl on single objects: each command a person types, and what they then see."""

import json
import re

import pytest

from tests.clients import manifests
from tests.clients.conftest import Shell

pytestmark = pytest.mark.process


def test_version_tells_both_sides(every_kubectl: Shell) -> None:
    said = json.loads(every_kubectl("version", "--output=json"))
    assert said["serverVersion"]["gitVersion"].startswith("v1.37.")


def test_get_nodes_shows_them_ready(every_kubectl: Shell) -> None:
    lines = every_kubectl("get", "nodes").splitlines()
    assert lines[0].split() == ["NAME", "STATUS", "ROLES", "AGE", "VERSION"]
    assert [line.split()[:2] for line in lines[1:4]] == [[f"node-{number}", "Ready"] for number in (1, 2, 3)]


def test_get_nodes_wide_shows_more(kubectl: Shell) -> None:
    head, first, *_ = kubectl("get", "nodes", "-o", "wide").splitlines()
    assert head.split()[5] == "INTERNAL-IP"
    assert "CONTAINER-RUNTIME" in head
    assert len(first.split()) >= 10


def test_a_pod_that_is_run_is_running_soon(every_kubectl: Shell) -> None:
    assert every_kubectl("run", "web", "--image=registry.example/web:1") == "pod/web created\n"
    every_kubectl("wait", "pod/web", "--for=condition=Ready", "--timeout=60s")
    name, ready, status, restarts, *_ = every_kubectl("get", "pods").splitlines()[1].split()
    assert (name, ready, status, restarts) == ("web", "1/1", "Running", "0")
    assert every_kubectl("get", "pod", "web", "-o", "jsonpath={.spec.nodeName}").startswith("node-")


def test_apply_creates_then_leaves_alone_then_changes(every_kubectl: Shell) -> None:
    file = every_kubectl.file("colours.yaml", manifests.CONFIG)
    assert every_kubectl("apply", "-f", file) == "configmap/colours created\n"
    assert every_kubectl("apply", "-f", file) == "configmap/colours unchanged\n"
    file = every_kubectl.file("colours.yaml", manifests.CONFIG.replace("green", "brown"))
    assert every_kubectl("apply", "-f", file) == "configmap/colours configured\n"
    assert every_kubectl("get", "cm", "colours", "-o", "jsonpath={.data.grass}") == "brown"


def test_apply_drops_what_the_file_drops(kubectl: Shell) -> None:
    kubectl("apply", "-f", kubectl.file("colours.yaml", manifests.CONFIG))
    kubectl("apply", "-f", kubectl.file("colours.yaml", manifests.CONFIG.replace(", grass: green", "")))
    assert json.loads(kubectl("get", "cm", "colours", "-o", "json"))["data"] == {"sky": "blue"}


def test_apply_on_the_server_keeps_who_owns_what(every_kubectl: Shell) -> None:
    file = every_kubectl.file("colours.yaml", manifests.CONFIG)
    assert every_kubectl("apply", "--server-side", "-f", file) == "configmap/colours serverside-applied\n"
    other = every_kubectl.file("other.yaml", manifests.CONFIG.replace("blue", "grey"))
    refused = every_kubectl("apply", "--server-side", "--field-manager=other", "-f", other, status=1)
    assert ".data.sky" in refused
    assert "conflict" in refused
    every_kubectl("apply", "--server-side", "--field-manager=other", "--force-conflicts", "-f", other)
    managers = json.loads(every_kubectl("get", "cm", "colours", "-o", "json", "--show-managed-fields"))
    assert {entry["manager"] for entry in managers["metadata"]["managedFields"]} == {"kubectl", "other"}


def test_create_makes_what_its_generators_make(every_kubectl: Shell) -> None:
    """From 1.32 on these are sent as protobuf."""
    every_kubectl("create", "configmap", "one", "--from-literal=a=b")
    every_kubectl("create", "secret", "generic", "two", "--from-literal=password=secret")
    every_kubectl("create", "deployment", "three", "--image=registry.example/three:1", "--replicas=2")
    every_kubectl("create", "serviceaccount", "four")
    every_kubectl("create", "service", "clusterip", "five", "--tcp=80:8080")
    every_kubectl("create", "job", "six", "--image=registry.example/six:1")
    every_kubectl("create", "cronjob", "seven", "--image=registry.example/seven:1", "--schedule=*/5 * * * *")
    every_kubectl("create", "quota", "eight", "--hard=pods=10")
    every_kubectl("create", "poddisruptionbudget", "nine", "--selector=app=three", "--min-available=1")
    every_kubectl("create", "role", "ten", "--verb=get", "--resource=pods")
    every_kubectl("create", "rolebinding", "eleven", "--role=ten", "--serviceaccount=default:four")
    every_kubectl("create", "ingress", "twelve", "--rule=shop.example/=five:80")
    assert every_kubectl("get", "cm", "one", "-o", "jsonpath={.data.a}") == "b"
    assert every_kubectl("get", "secret", "two", "-o", "jsonpath={.data.password}") == "c2VjcmV0"
    assert every_kubectl("get", "deploy", "three", "-o", "jsonpath={.spec.replicas}") == "2"
    assert every_kubectl("get", "svc", "five", "-o", "jsonpath={.spec.ports[0].targetPort}") == "8080"
    assert every_kubectl("get", "cronjob", "seven", "-o", "jsonpath={.spec.schedule}") == "*/5 * * * *"
    assert every_kubectl("get", "ing", "twelve", "-o", "jsonpath={.spec.rules[0].host}") == "shop.example"


def test_create_in_the_cluster_makes_a_namespace_and_a_priority(kubectl: Shell) -> None:
    name = f"{kubectl.namespace}-more"
    kubectl("create", "namespace", name)
    kubectl("create", "priorityclass", name, "--value=1000")
    assert kubectl("get", "ns", name, "-o", "jsonpath={.status.phase}") == "Active"
    assert kubectl("get", "priorityclass", name, "-o", "jsonpath={.value}") == "1000"
    kubectl("delete", "priorityclass", name)
    kubectl("delete", "namespace", name, "--timeout=60s")
    assert "NotFound" in kubectl("get", "ns", name, status=1)


def test_a_dry_run_on_the_server_changes_nothing(kubectl: Shell) -> None:
    said = kubectl("create", "configmap", "one", "--from-literal=a=b", "--dry-run=server")
    assert said == "configmap/one created (server dry run)\n"
    assert "NotFound" in kubectl("get", "cm", "one", status=1)


def test_a_misspelt_field_is_refused_by_name(every_kubectl: Shell) -> None:
    file = every_kubectl.file("pod.yaml", manifests.POD.replace("image:", "imagge:"))
    refused = every_kubectl("create", "-f", file, status=1)
    assert 'unknown field "spec.containers[0].imagge"' in refused
    assert "NotFound" in every_kubectl("get", "pod", "solo", status=1)


def test_a_wrong_value_is_refused_with_its_place(kubectl: Shell) -> None:
    file = kubectl.file("pod.yaml", manifests.POD.replace("cpu: 50m", "cpu: fifty"))
    assert "resources.requests" in kubectl("create", "--validate=ignore", "-f", file, status=1)


def test_create_twice_says_that_it_exists(kubectl: Shell) -> None:
    kubectl("create", "configmap", "one")
    assert kubectl("create", "configmap", "one", status=1).endswith('configmaps "one" already exists\n')


def test_edit_saves_what_the_editor_saved(kubectl: Shell) -> None:
    kubectl("apply", "-f", kubectl.file("colours.yaml", manifests.CONFIG))
    editor = kubectl.file("editor", "#!/bin/sh\nsed -i 's/blue/red/' \"$1\"\n")
    kubectl.folder.joinpath("editor").chmod(0o755)
    kubectl.environ["KUBE_EDITOR"] = editor
    assert kubectl("edit", "configmap", "colours") == "configmap/colours edited\n"
    assert kubectl("get", "cm", "colours", "-o", "jsonpath={.data.sky}") == "red"


@pytest.mark.parametrize(
    ("kind", "patch"),
    [
        pytest.param(
            "strategic", '{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"x:2"}]}}}}', id="strategic"
        ),
        pytest.param(
            "merge", '{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"x:2"}]}}}}', id="merge"
        ),
        pytest.param(
            "json", '[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"x:2"}]', id="json"
        ),
    ],
)
def test_patch_in_each_of_its_types(kubectl: Shell, kind: str, patch: str) -> None:
    kubectl("apply", "-f", kubectl.file("shop.yaml", manifests.DEPLOYMENT))
    assert kubectl("patch", "deployment", "shop", f"--type={kind}", "-p", patch) == "deployment.apps/shop patched\n"
    container = json.loads(kubectl("get", "deploy", "shop", "-o", "json"))["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "x:2"
    # A merge patch replaces lists; a strategic one merges them by name.
    assert ("requests" in container.get("resources", {})) is (kind != "merge")


def test_label_and_annotate_set_and_remove(every_kubectl: Shell) -> None:
    every_kubectl("apply", "-f", every_kubectl.file("colours.yaml", manifests.CONFIG))
    assert every_kubectl("label", "cm", "colours", "tier=front") == "configmap/colours labeled\n"
    assert every_kubectl("get", "cm", "-l", "tier in (front,back)", "-o", "name") == "configmap/colours\n"
    assert every_kubectl("label", "cm", "colours", "tier-").endswith("configmap/colours unlabeled\n")
    assert every_kubectl("get", "cm", "-l", "tier", "-o", "name") == ""
    assert every_kubectl("annotate", "cm", "colours", "note=one") == "configmap/colours annotated\n"
    assert every_kubectl("get", "cm", "colours", "-o", "jsonpath={.metadata.annotations.note}") == "one"


def test_replace_needs_the_newest_version(kubectl: Shell) -> None:
    kubectl("create", "configmap", "one", "--from-literal=a=b")
    old = kubectl("get", "cm", "one", "-o", "yaml")
    assert kubectl("replace", "-f", "-", stdin=old.replace("a: b", "a: c")) == "configmap/one replaced\n"
    assert "the object has been modified" in kubectl("replace", "-f", "-", stdin=old, status=1)


def test_replace_by_force_makes_a_new_object(kubectl: Shell) -> None:
    file = kubectl.file("colours.yaml", manifests.CONFIG)
    kubectl("create", "-f", file)
    before = kubectl("get", "cm", "colours", "-o", "jsonpath={.metadata.uid}")
    kubectl("replace", "--force", "-f", file)
    assert kubectl("get", "cm", "colours", "-o", "jsonpath={.metadata.uid}") != before


def test_diff_shows_what_apply_would_change(kubectl: Shell) -> None:
    kubectl("apply", "-f", kubectl.file("colours.yaml", manifests.CONFIG))
    assert kubectl("diff", "-f", kubectl.file("colours.yaml", manifests.CONFIG)) == ""
    changed = kubectl.file("colours.yaml", manifests.CONFIG.replace("blue", "red"))
    said = kubectl("diff", "-f", changed, status=1)
    assert "-  sky: blue" in said
    assert "+  sky: red" in said


def test_get_in_each_output_form(kubectl: Shell) -> None:
    kubectl("apply", "-f", kubectl.file("colours.yaml", manifests.CONFIG))
    one = ("get", "cm", "colours", "-o")
    assert kubectl(*one, "name") == "configmap/colours\n"
    assert "sky: blue" in kubectl(*one, "yaml")
    assert json.loads(kubectl(*one, "json"))["kind"] == "ConfigMap"
    assert kubectl(*one, "jsonpath={.data.sky}") == "blue"
    assert kubectl(*one, "go-template={{.data.sky}}") == "blue"
    assert kubectl(*one, "custom-columns=N:.metadata.name,S:.data.sky").split() == ["N", "S", "colours", "blue"]
    assert kubectl("get", "cm", "colours", "--show-labels").splitlines()[0].split()[-1] == "LABELS"
    assert kubectl("get", "cm", "--no-headers", "--sort-by=.metadata.name").split()[0] == "colours"
    assert json.loads(kubectl("get", "cm", "-o", "json"))["kind"] == "List"
    assert kubectl("get", "--raw", "/healthz").strip() == "ok"


def test_get_in_small_chunks_is_whole(kubectl: Shell) -> None:
    for number in range(7):
        kubectl.cluster.create(
            f"/api/v1/namespaces/{kubectl.namespace}/configmaps", {"metadata": {"name": f"many-{number}"}}
        )
    names = kubectl("get", "cm", "--chunk-size=2", "-o", "name").split()
    assert [name for name in names if "many" in name] == [f"configmap/many-{number}" for number in range(7)]


def test_get_all_names_what_there_is(kubectl: Shell) -> None:
    kubectl("apply", "-f", kubectl.file("shop.yaml", manifests.DEPLOYMENT))
    kubectl.until(lambda: "pod/shop-" in kubectl("get", "all"), "the deployment's pods")
    said = kubectl("get", "all")
    assert "deployment.apps/shop" in said
    assert "replicaset.apps/shop-" in said


def test_get_watches(every_kubectl: Shell) -> None:
    every_kubectl("run", "first", "--image=registry.example/web:1")
    said = every_kubectl.start("get", "pods", "--watch", "--no-headers")
    every_kubectl.until(lambda: "first" in said(), "it lists what there is")
    every_kubectl("run", "second", "--image=registry.example/web:1")
    every_kubectl.until(lambda: re.search(r"second .* Running", said()), "it tells what comes")
    every_kubectl("delete", "pod", "second")
    every_kubectl.until(lambda: re.search(r"second .* Terminating", said()), "it tells what goes")


def test_explain_knows_fields(every_kubectl: Shell) -> None:
    assert "restartPolicy" in every_kubectl("explain", "pod.spec.restartPolicy")
    assert "strategy" in every_kubectl("explain", "deployments.spec")


def test_api_resources_and_versions(every_kubectl: Shell) -> None:
    lines = {tuple(line.split()[:2]) for line in every_kubectl("api-resources", "--no-headers").splitlines()}
    assert {("pods", "po"), ("deployments", "deploy"), ("configmaps", "cm")} <= lines
    versions = every_kubectl("api-versions").split()
    assert {"v1", "apps/v1", "batch/v1", "policy/v1", "autoscaling/v2", "metrics.k8s.io/v1beta1"} <= set(versions)


def test_auth_answers_who_and_what(kubectl: Shell) -> None:
    assert kubectl("auth", "can-i", "create", "pods").strip() == "yes"
    assert "Resources" in kubectl("auth", "can-i", "--list")
    assert "Username" in kubectl("auth", "whoami")


def test_a_token_for_a_service_account(kubectl: Shell) -> None:
    assert len(kubectl("create", "token", "default").strip().split(".")) == 3


def test_cluster_info_says_where_it_runs(kubectl: Shell) -> None:
    assert kubectl.cluster.url in kubectl("cluster-info")
