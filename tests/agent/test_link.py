"""What an agent makes of the API's answers, and when it says what it observed once more."""

import threading
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from kuberklone.agent.beating import Beats, Introduction
from kuberklone.agent.link import Link
from kuberklone.agent.reporter import Reporter
from kuberklone.agent.standing import Standing
from kuberklone.agent.usage import Sample
from kuberklone.clock import SYSTEM
from kuberklone.errors import (
    ApiUnavailable,
    Forbidden,
    KuberkloneError,
    NotFound,
    Refused,
    Superseded,
    Unauthenticated,
)
from kuberklone.kinds.reporting import Assigned, AssignedPod, MachineInfo, NodeUsage, PodReport, Reports
from tests.agent import remote_api
from tests.agent.remote_api import RemoteApi

REGISTERED = {
    "node_name": "node-1", "node_uid": "n", "cluster_id": "c", "grant_s": 40, "heartbeat_interval_s": 0.001, "seq": 7,
}  # fmt: skip
BEATEN = {"grant_s": 40}
NOTHING_ASSIGNED: dict[str, Any] = {"revision": 1, "pods": []}


@pytest.fixture
def remote() -> Iterator[tuple[RemoteApi, Link]]:
    with remote_api.answering() as both:
        yield both


@pytest.fixture
def api(remote: tuple[RemoteApi, Link]) -> RemoteApi:
    return remote[0]


@pytest.fixture
def link(remote: tuple[RemoteApi, Link]) -> Link:
    return remote[1]


@pytest.fixture
def standing() -> Standing:
    return Standing(node_name="node-1", boot_id="boot-1", shares_network=True, clock=SYSTEM)


# ------------------------------------------------------------------------------------------------ answers


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        pytest.param(401, {"detail": "no token"}, Unauthenticated, "no token", id="unknown"),
        pytest.param(403, {"detail": "not yours"}, Forbidden, "not yours", id="not allowed"),
        pytest.param(404, {"detail": "no node"}, NotFound, "no node", id="not there"),
        pytest.param(409, {"type": "urn:kuberklone:problem:superseded"}, Superseded, "", id="another one speaks"),
        pytest.param(
            409, {"type": "urn:kuberklone:problem:refused", "detail": "first"}, Refused, "first", id="refused"
        ),
        pytest.param(422, {"field": "pods[0]", "detail": "odd"}, KuberkloneError, "pods[0]: odd", id="a bad field"),
        pytest.param(503, {"detail": "later"}, ApiUnavailable, "later", id="not now"),
        pytest.param(502, b"<html>", ApiUnavailable, "502", id="a proxy speaks"),
        pytest.param(200, b"<html>", ApiUnavailable, "not KuberKlone", id="somebody else answers"),
    ],
)
def test_every_answer_that_is_an_error_says_what_it_is(
    api: RemoteApi, link: Link, *, status: int, body: Any, error: type[KuberkloneError], words: str
) -> None:
    api.will(status, body)
    with pytest.raises(KuberkloneError) as raised:
        link.report(Reports(session="s", boot_id="b"))
    assert type(raised.value) is error
    assert words in str(raised.value)


def test_where_nobody_answers_the_address_is_named() -> None:
    with Link("http://127.0.0.1:1", token="kk.a.b", tls=None) as link:
        with pytest.raises(ApiUnavailable, match=r"127\.0\.0\.1:1"):
            link.pods(after=0, wait_s=0)


# ------------------------------------------------------------------------------------------------ beats


class NoUsage:
    """What was measured last."""

    last = Sample(node=NodeUsage(cpu_millis=5, memory_bytes=6))


def beating(link: Link, standing: Standing) -> Beats:
    introduction = Introduction(boot_id="boot-1", session="session-1", machine=MachineInfo())
    return Beats(link, introduction, standing=standing, usage=NoUsage(), running=lambda: ["pod-1"], clock=SYSTEM)


def test_a_node_registers_asks_what_belongs_to_it_and_beats(api: RemoteApi, link: Link, standing: Standing) -> None:
    for body in (REGISTERED, NOTHING_ASSIGNED, BEATEN):
        api.will(200, body)
    beats = beating(link, standing)
    beats.run_once()
    assert beats.registered.is_set()
    beats.run_once()
    assert [path for path, _ in api.told] == ["/agent/v1/register", "/agent/v1/pods", "/agent/v1/beat"]
    (register,) = api.messages("/register")
    assert (register["boot_id"], register["session"], register["running"]) == ("boot-1", "session-1", ["pod-1"])
    (beat,) = api.messages("/beat")
    assert (beat["seq"], beat["usage"]) == (8, {"cpu_millis": 5, "memory_bytes": 6})
    assert standing.view().assignments == {}


def test_every_try_has_a_larger_number(api: RemoteApi, link: Link, standing: Standing) -> None:
    api.will(200, REGISTERED)
    api.will(200, NOTHING_ASSIGNED)
    api.will(503)
    api.will(200, BEATEN)
    beats = beating(link, standing)
    beats.run_once()
    with pytest.raises(ApiUnavailable):
        beats.run_once()
    beats.run_once()
    assert [each["seq"] for each in api.messages("/beat")] == [8, 9]


def test_a_node_that_is_not_known_to_have_registered_does_it_again(
    api: RemoteApi, link: Link, standing: Standing
) -> None:
    api.will(200, REGISTERED)
    api.will(200, NOTHING_ASSIGNED)
    api.refuse(409, "refused", "register first")
    api.will(200, REGISTERED)
    api.refuse(409, "superseded")
    with pytest.raises(Superseded):
        beating(link, standing).run(threading.Event())
    assert [path.rpartition("/")[2] for path, _ in api.told] == ["register", "pods", "beat", "register", "beat"]


def test_being_unknown_is_believed_when_it_is_said_again(api: RemoteApi, link: Link, standing: Standing) -> None:
    api.refuse(401, "unauthenticated")
    api.will(200, REGISTERED)
    api.will(200, NOTHING_ASSIGNED)
    for _ in range(3):
        api.refuse(404, "not-found")
    with pytest.raises(NotFound):
        beating(link, standing).run(threading.Event())
    assert len(api.told) == 6


# ------------------------------------------------------------------------------------------------ reports


class Reporting:
    """A reporter, and what the cluster has of two pods."""

    def __init__(self, link: Link, standing: Standing) -> None:
        self.standing = standing
        self.nudges = 0
        self.reporter = Reporter(
            link, session="session-1", boot_id="boot-1", standing=standing, nudge=self._nudge, clock=SYSTEM
        )
        self._revision = 0
        self.tell({"one": {}, "two": {}})

    def tell(self, pods: dict[str, dict[str, Any]]) -> None:
        self._revision += 1
        spec = msgspec.Raw(b'{"containers":[{"name":"main"}]}')
        told = [AssignedPod(uid=uid, namespace="default", name=uid, spec=spec, **more) for uid, more in pods.items()]
        self.standing.told(Assigned(revision=self._revision, pods=told), asked_ms=SYSTEM.steady_ms() + self._revision)

    def observe(self, *reports: PodReport, removed: tuple[str, ...] = ()) -> bool:
        """Whether there was something to tell."""
        assigned = self.standing.view().assignments
        assert assigned is not None
        self.reporter.observe(reports, removed=removed, assigned=assigned, now_ms=SYSTEM.steady_ms())
        return self.reporter.run_once()

    def _nudge(self) -> None:
        self.nudges += 1


@pytest.fixture
def reporting(link: Link, standing: Standing) -> Reporting:
    return Reporting(link, standing)


RUNNING = PodReport(uid="one", phase="Running", started_ago_ms=5)
OTHER = PodReport(uid="two", phase="Running", started_ago_ms=5)


def uids(api: RemoteApi) -> list[list[str]]:
    return [[each["uid"] for each in message["pods"]] for message in api.messages("/report")]


def test_what_was_accepted_is_not_told_again_because_it_grew_older(api: RemoteApi, reporting: Reporting) -> None:
    assert reporting.observe(RUNNING)
    assert not reporting.observe(msgspec.structs.replace(RUNNING, started_ago_ms=5_000))
    assert uids(api) == [["one"]]


def test_what_changed_is_told(api: RemoteApi, reporting: Reporting) -> None:
    reporting.observe(RUNNING, OTHER)
    reporting.observe(RUNNING, msgspec.structs.replace(OTHER, restarts=1))
    assert uids(api) == [["one", "two"], ["two"]]


def test_what_was_not_accepted_is_told_again(api: RemoteApi, reporting: Reporting) -> None:
    api.will(503)
    with pytest.raises(ApiUnavailable):
        reporting.observe(RUNNING)
    assert reporting.observe(RUNNING)
    assert uids(api) == [["one"], ["one"]]


def test_one_that_is_refused_does_not_keep_the_others_back(api: RemoteApi, reporting: Reporting) -> None:
    api.refuse(422, "invalid-field", field="pods[0]")
    api.refuse(422, "invalid-field", field="pods[0]")
    assert reporting.observe(RUNNING, OTHER)
    assert uids(api) == [["one", "two"], ["one"], ["two"]]
    assert not reporting.observe(RUNNING, OTHER)


def test_another_session_is_no_fault_of_a_report(api: RemoteApi, reporting: Reporting) -> None:
    api.refuse(409, "superseded")
    with pytest.raises(Superseded):
        reporting.observe(RUNNING, OTHER)
    assert len(api.told) == 1


def test_a_pod_that_is_not_ours_any_more_is_forgotten(api: RemoteApi, reporting: Reporting) -> None:
    api.will(200, {"gone": ["two"]})
    reporting.observe(RUNNING, OTHER)
    assert set(reporting.standing.view().assignments or {}) == {"one"}
    assert reporting.nudges == 1


def test_a_pod_that_the_cluster_has_otherwise_afterwards_is_told_again(api: RemoteApi, reporting: Reporting) -> None:
    reporting.observe(RUNNING)
    reporting.tell({"one": {"phase": "Running"}, "two": {}})
    assert not reporting.observe(RUNNING)
    # As after a backup that was restored.
    reporting.tell({"one": {"phase": "Pending"}, "two": {}})
    assert reporting.observe(RUNNING)


def test_a_stop_is_confirmed_until_the_pod_is_gone(api: RemoteApi, reporting: Reporting) -> None:
    assert reporting.observe(removed=("one",))
    assert not reporting.observe(removed=("one",))
    # Somebody held it in between, so it is still there.
    reporting.tell({"one": {"deleting": True}, "two": {}})
    assert reporting.observe(removed=("one",))
    assert [message["removed"] for message in api.messages("/report")] == [["one"], ["one"]]
