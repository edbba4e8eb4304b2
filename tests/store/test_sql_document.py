"""docs/sql.md: every question is asked on both databases, and every view and column is described."""

import re
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from kuberklone.kinds.reporting import MachineInfo, NodeUsage, PodUsage
from kuberklone.store import decisions, events, evictions, nodes, query, tokens, views
from kuberklone.store.agents import Beat, Register
from kuberklone.store.database import Store
from kuberklone.store.decisions import Decision
from kuberklone.store.evictions import Eviction
from kuberklone.store.leaderships import Candidate
from kuberklone.store.operations import Applier, InjectFault
from kuberklone.store.removal import remove_pods
from kuberklone.store.transaction import write
from tests.store import made

DOCUMENT = (Path(__file__).parents[2] / "docs" / "sql.md").read_text()
# What stands under each heading of the third level.
SECTIONS = dict(section.split("\n", 1) for section in re.split(r"^##+ ", DOCUMENT, flags=re.MULTILINE)[1:])
QUESTIONS = {
    heading: body.split("```sql\n")[1].split("```")[0] for heading, body in SECTIONS.items() if "```sql" in body
}
DESCRIBED = {
    heading: re.findall(r"^\| (\w+) \| \S", body, re.MULTILINE)[1:]
    for heading, body in SECTIONS.items()
    if heading.startswith("v_")
}


@pytest.fixture
def populated(store: Store) -> Store:
    """A cluster in which something happened: pods that wait, ran, were moved and must leave; a node that flaps."""
    there = made.add_nodes(store, *(made.node(f"node-{number}") for number in range(1, 4)))
    web_1 = made.bound_pod(store, there[1], made.pod("web-1"), phase="Running", started_ms=1)
    made.bound_pod(store, there[1], made.pod("job"), phase="Succeeded", finished_ms=5, exit_code=0)
    web_2 = made.bound_pod(store, there[0], made.pod("web-2", priority=5))
    (big,) = made.add_pods(store, made.pod("big", cpu_millis=9000))
    made.change_node(store, there[0], labels='{"zone":"a"}')
    with write(store) as transaction:
        connection = transaction.connection
        connection.execute(text("UPDATE placements SET bound_ms = bound_ms - 7200000 WHERE name = 'web-1'"))
        lost = made.marked(transaction, web_1, "NodeUnreachable")
        _, (successor,) = remove_pods(transaction, [lost])
        decisions.record(
            transaction,
            [
                Decision(pod_uid=big.uid, outcome="Unschedulable", nodes_evaluated=3, reasons={"Insufficient cpu": 3}),
                Decision(
                    pod_uid=web_2.uid,
                    outcome="Scheduled",
                    node_name="node-1",
                    nodes_evaluated=3,
                    reasons={},
                    best=(("node-1", 90), ("node-3", 80)),
                ),
            ],
        )
        evictions.put(
            connection, [Eviction(pod_uid=web_2.uid, node_name="node-1", due_ms=transaction.now_ms, cause="Taint")]
        )
        Applier().apply(transaction, [InjectFault(name="node-3", kind="slow", restart=True)])
    made.bind(store, there[2], [successor])
    _let_an_agent_report(store)
    for _ in range(3):
        with write(store) as transaction:
            note = events.about_node(there[2], "NodeNotReady", "The node was silent for its whole grace.")
            events.record(transaction, [note], source="node-health")
    Candidate(store, "scheduler", term_s=4, clock=store.clock).stand()
    return store


def _let_an_agent_report(store: Store) -> None:
    """Of a node in a container, on which one pod uses more than it asked for."""
    with write(store) as transaction:
        # Too small for the pods that wait, so that the answers to the other questions stay what they are.
        tiny = made.node("docker-1", provider="docker", cpu_millis=100, labels='{"kind":"tiny"}', unschedulable=True)
        (node,) = nodes.create(transaction, [tiny])
        tokens.create_for_node(transaction, node.uid)
    greedy = made.bound_pod(store, node, made.pod("greedy", cpu_millis=100), phase="Running", started_ms=1)
    machine = MachineInfo(os_image="Debian", address="172.17.0.2")
    measured = PodUsage(uid=greedy.uid, cpu_millis=150, memory_bytes=1)
    with write(store) as transaction:
        Applier().apply(
            transaction,
            [
                Register(node_uid=node.uid, session="s", boot_id="b", machine=machine, running=0, grant_ms=1000),
                Beat(
                    node_uid=node.uid,
                    session="s",
                    seq=2,
                    grant_ms=1000,
                    usage=NodeUsage(cpu_millis=200, memory_bytes=2),
                    pods=(measured,),
                ),
            ],
        )


def _ask(store: Store, question: str) -> list[dict[str, object]]:
    columns, rows = query.run(store.url.render_as_string(hide_password=False), question)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def test_the_document_asks_at_least_ten_questions() -> None:
    assert len(QUESTIONS) >= 10
    assert len(QUESTIONS) == DOCUMENT.count("```sql"), "each question has a heading of its own"
    assert [heading for heading in QUESTIONS if not heading.endswith("?")] == []


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS.keys())
def test_every_question_finds_an_answer(populated: Store, question: str) -> None:
    assert _ask(populated, question)


ANSWERS: dict[str, list[dict[str, object]]] = {
    "Why is this pod pending?": [
        {"name": "big", "message": "0/3 nodes are available: 3 Insufficient cpu.", "tries": 1}
    ],
    "What ran on node-2 an hour ago?": [{"name": "web-1", "why_ended": "NodeUnreachable"}],
    "Which nodes flap?": [{"name": "node-3", "times_not_ready": 3}],
    "Where has this pod been, and why did it leave?": [
        {"node": "node-2", "why_ended": "NodeUnreachable"},
        {"node": "node-3", "why_ended": None},
    ],
    "Which pods lost their node today, and where are they now?": [
        {"name": "web-1", "was_on": "node-2", "is_on": "node-3", "status": "Pending"}
    ],
    "How full is each node?": [
        {"name": "docker-1", "percent": 100},
        {"name": "node-1", "percent": 25},
        {"name": "node-3", "percent": 25},
        {"name": "node-2", "percent": 0},
    ],
    "Why is the pod where it is?": [{"name": "web-2", "node": "node-1", "best": '[["node-1",90],["node-3",80]]'}],
    "Which pods will have to leave their node, and how soon?": [{"name": "web-2", "node": "node-1", "cause": "Taint"}],
    "Which pods use more than they asked for?": [{"name": "greedy", "node": "docker-1"}],
    "Is there room for a pod of two CPUs?": [{"name": "node-2"}, {"name": "node-1"}, {"name": "node-3"}],
}


@pytest.mark.parametrize(("question", "answer"), ANSWERS.items(), ids=ANSWERS.keys())
def test_the_answer_is_the_right_one(populated: Store, question: str, answer: list[dict[str, object]]) -> None:
    found = _ask(populated, QUESTIONS[question])
    assert [{key: row[key] for key in wanted} for row, wanted in zip(found, answer, strict=True)] == answer


def test_every_view_and_column_is_described_in_its_order(store: Store) -> None:
    with store.snapshot() as connection:
        found = inspect(connection)
        there = {
            view: [str(column["name"]) for column in found.get_columns(view)]
            for view in found.get_view_names()
            if view.startswith("v_")
        }
    assert there.keys() == DESCRIBED.keys() == views.definitions(store.dialect).keys()
    assert there == DESCRIBED


@pytest.mark.parametrize("view", sorted(DESCRIBED))
def test_every_view_shows_something(populated: Store, view: str) -> None:
    assert _ask(populated, f"SELECT * FROM {view}")


def test_a_pod_waits_in_one_row_however_often_it_was_looked_at(populated: Store) -> None:
    with write(populated) as transaction:
        (waiting,) = transaction.connection.execute(text("SELECT uid FROM pods WHERE name = 'big'")).scalars()
        decisions.record(
            transaction,
            [
                Decision(pod_uid=waiting, outcome="Unschedulable", nodes_evaluated=3, reasons={reason: 3})
                for reason in ("Insufficient cpu", "Insufficient memory")
            ],
        )
    assert [row["name"] for row in _ask(populated, "SELECT * FROM v_pending")] == ["big"]


def test_moments_are_utc_text(populated: Store) -> None:
    (row,) = _ask(populated, "SELECT created FROM v_nodes WHERE name = 'node-1'")
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", str(row["created"]))
