"""Every JSON answer ends its line, as whoever types curl expects; its length says so."""

import pytest

from tests.api.running import Api


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        pytest.param("GET", "/nodes", None, id="a list"),
        pytest.param("GET", "/nodes/taken", None, id="one record"),
        pytest.param("GET", "/schema/openapi.json", None, id="the documentation for programs"),
        pytest.param("POST", "/add_pod", b'{"cpus": 0}', id="a problem on the short way"),
        pytest.param("POST", "/add_node", b'{"cpus": 0}', id="a problem on the long way"),
        pytest.param("GET", "/nowhere", None, id="no such page"),
    ],
)
def test_an_answer_ends_its_line(idle_api: Api, method: str, path: str, body: bytes | None) -> None:
    answer = idle_api.http.request(method, path, content=body)
    assert answer.content.endswith(b"}\n")
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert answer.json()
