"""Watches over WebSockets, as web pages open them, and who may not open one."""

import json
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.api.kubernetes.client import CONFIG_MAPS, config_map
from tests.api.running import Api


def opened(api: Api, path: str, **options: Any) -> ClientConnection:
    return connect(f"ws://127.0.0.1:{api.port}{path}", proxy=None, **options)


def test_each_message_is_one_event(api: Api) -> None:
    api.post(CONFIG_MAPS, config_map("a"))
    with opened(api, f"{CONFIG_MAPS}?watch=1") as socket:
        api.post(CONFIG_MAPS, config_map("b"))
        events = [json.loads(socket.recv(timeout=10)) for _ in range(2)]
    assert [(each["type"], each["object"]["metadata"]["name"]) for each in events] == [("ADDED", "a"), ("ADDED", "b")]


def test_a_protocol_that_is_offered_is_accepted_and_changes_nothing(api: Api) -> None:
    api.post(CONFIG_MAPS, config_map("a"))
    with opened(api, f"{CONFIG_MAPS}?watch=1", subprotocols=["base64.binary.k8s.io"]) as socket:
        assert socket.subprotocol == "base64.binary.k8s.io"
        assert json.loads(socket.recv(timeout=10))["type"] == "ADDED"


def test_it_ends_when_the_time_is_up(api: Api) -> None:
    api.post(CONFIG_MAPS, config_map("a"))
    with opened(api, f"{CONFIG_MAPS}?watch=1&timeoutSeconds=1") as socket:
        assert len(list(socket)) == 1
        assert socket.close_code == 1000


@pytest.mark.parametrize(
    ("path", "options", "code"),
    [
        pytest.param(f"{CONFIG_MAPS}?watch=1", {"origin": "http://elsewhere.example"}, 403, id="a page from elsewhere"),
        pytest.param(CONFIG_MAPS, {}, 404, id="not a watch"),
        pytest.param("/api/v1/colours?watch=1", {}, 404, id="no such resource"),
        pytest.param(f"{CONFIG_MAPS}?watch=1&labelSelector=a+in", {}, 400, id="a selector that breaks off"),
        pytest.param("/pods", {}, 404, id="not the Kubernetes API"),
    ],
)
def test_others_are_refused_by_an_answer(idle_api: Api, path: str, options: dict[str, Any], code: int) -> None:
    with pytest.raises(InvalidStatus) as refused, opened(idle_api, path, **options):
        pass
    assert refused.value.response.status_code == code
