"""What a person finds in a browser, what a program finds at the same place, and whether the description is true."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.api.running import Api

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_a_browser_gets_a_page_whose_links_all_lead_somewhere(idle_api: Api) -> None:
    page = idle_api.http.get("/", headers=BROWSER)
    assert page.headers["content-type"].startswith("text/html")
    links = re.findall(r'href="([^"]+)"', page.text)
    assert {"/nodes", "/pods", "/events", "/docs", "/metrics"} <= set(links)
    for link in links:
        assert idle_api.http.get(link).status_code == 200, link


def test_a_program_gets_the_links_as_json(idle_api: Api) -> None:
    assert idle_api.get("/", headers={"accept": "application/json"})["links"]["nodes"] == "/nodes"


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_pages_load_nothing_from_anywhere(idle_api: Api, path: str) -> None:
    page = idle_api.http.get(path, headers=BROWSER)
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert not re.search(r"<script|<link|<img|@import|url\(", page.text)


def _description(api: Api) -> dict[str, Any]:
    described: dict[str, Any] = api.get("/schema/openapi.json")
    return described


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for member in value.values():
            yield from _references(member)
    elif isinstance(value, list):
        for member in value:
            yield from _references(member)


def test_every_reference_of_the_description_leads_somewhere(idle_api: Api) -> None:
    described = _description(idle_api)
    names = {reference.removeprefix("#/components/schemas/") for reference in _references(described)}
    assert names <= set(described["components"]["schemas"])


@pytest.mark.parametrize(
    ("path", "method", "fields"),
    [
        ("/add_node", "post", {"cpus", "name", "memory", "labels", "taints", "provider", "count"}),
        (
            "/add_pod", "post",
            {"cpus", "name", "memory", "priority", "labels", "node_selector", "tolerations", "count",
             "image", "command", "args", "env", "working_dir", "restart_policy", "limits", "termination_grace_seconds",
             "start_delay_seconds", "run_seconds", "exit_code"},
        ),
        ("/restart_node", "put", {"name"}),
        ("/delete_node", "delete", {"name"}),
        ("/delete_pod", "delete", {"name"}),
        ("/fail_node", "post", {"name", "kind", "restart"}),
        ("/heal_node", "post", {"name"}),
        ("/add_token", "post", {"purpose", "hours"}),
        ("/delete_token", "delete", {"id"}),
    ],
)  # fmt: skip
def test_every_body_is_described(idle_api: Api, path: str, method: str, fields: set[str]) -> None:
    described = _description(idle_api)
    operation = described["paths"][path][method]
    reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    schema = described["components"]["schemas"][reference.rpartition("/")[2]]
    assert set(schema["properties"]) == fields
    assert "application/problem+json" in operation["responses"]["422"]["content"]


@pytest.mark.parametrize("path", ["/nodes", "/nodes/taken", "/pods", "/pods/taken", "/events", "/status"])
def test_answers_have_the_fields_that_are_described(idle_api: Api, path: str) -> None:
    described = _description(idle_api)
    pattern = path.replace("/taken", "/{name}")
    schema = described["paths"][pattern]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    answer = idle_api.get(path)
    fields = described["components"]["schemas"][schema["$ref"].rpartition("/")[2]]["properties"]
    assert set(answer) == set(fields)


def test_the_page_about_requests_names_each(idle_api: Api) -> None:
    page = idle_api.http.get("/docs").text
    for path in _description(idle_api)["paths"]:
        assert f"<code>{path}</code>" in page


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/healthz", "/healthz?timeout=32s", "/readyz?verbose"])
def test_a_healthy_api_says_ok(idle_api: Api, path: str) -> None:
    answer = idle_api.http.get(path)
    assert (answer.status_code, answer.text) == (200, "ok")


def _figures(api: Api) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(api.http.get("/metrics").text)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_the_figures_say_what_there_is(api: Api) -> None:
    api.post("/add_node", {"cpus": 1, "count": 2})
    api.post("/add_pod", {"cpus": 1, "count": 3})
    api.http.get("/pods/nobody")
    api.http.get("/nowhere/at/all")
    figures = _figures(api)
    assert figures["kuberklone_nodes", (("status", "Pending"),)] == 2
    assert figures["kuberklone_nodes", (("status", "Ready"),)] == 0
    assert figures["kuberklone_pods", (("phase", "Pending"),)] == 3
    assert figures["kuberklone_pods_pending", ()] == 3
    assert figures["kuberklone_revision", ()] == api.written()["revision"]
    assert figures["kuberklone_store_up", ()] == 1
    assert figures["kuberklone_api_writes_waiting", ()] == 0

    def requests(method: str, route: str, status: str) -> float:
        return figures["kuberklone_api_requests_total", (("method", method), ("route", route), ("status", status))]

    assert requests("POST", "/add_pod", "201") == 1
    assert requests("GET", "/pods/{name}", "404") == 1
    assert requests("GET", "unmatched", "404") == 1
    took = "kuberklone_api_request_duration_seconds_count"
    assert figures[took, (("method", "POST"), ("route", "/add_node"))] == 1


def test_paths_that_strangers_make_up_are_counted_as_one(api: Api) -> None:
    for number in range(3):
        api.http.get(f"/apis/group-{number}/v1")
        api.http.get(f"/openapi/v3/apis/group-{number}")
    api.get("/api/v1")
    routes = {dict(labels).get("route", "") for _, labels in _figures(api)}
    assert not any("group" in route for route in routes)
    assert "/api/v1" in routes
