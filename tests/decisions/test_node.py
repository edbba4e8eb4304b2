"""Which machines are created and removed."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.node.decide import decide
from controllers.node.facts import Machine, NodeFacts
from controllers.node.plan import Adopt, Forget, GiveUp, Orphan, Plan, Recovered, Removal, Stable, Start
from tests.decisions.node_rows import (
    ANY_NODES,
    NOW,
    PATH,
    SETTINGS,
    UID,
    actions,
    boot,
    booted,
    dead,
    node,
    run,
)

NEW = node(machine="Absent", boot_id=None, ready="Unknown", heard=False, heard_boot_id=None, path=None)


@pytest.mark.parametrize(
    ("each", "machines", "expected"),
    [
        pytest.param(
            NEW,
            [],
            boot("Created", machine="Running", restarts=0, restart_attempts=0, restart_at_ms=None),
            id="a simulated one exists once its row says so",
        ),
        pytest.param(
            NEW,
            [Machine(name="node-1", uid=UID, boot_id="boot-7")],
            Adopt(node_uid=UID, boot_id="boot-7"),
            id="it exists although the row does not know: adopted",
        ),
        pytest.param(
            replace(NEW, boot_id="boot-1"),
            [],
            Start(node_uid=UID, name="node-1", provider="simulated", boot_id="boot-1"),
            id="interrupted before the provider was asked",
        ),
        pytest.param(
            replace(NEW, boot_id="boot-1"), None, Recovered(node_uid=UID), id="it exists: running, if not yet heard"
        ),
        pytest.param(node(), [], boot("Missing"), id="somebody removed the machine"),
        pytest.param(node(restart_attempts=5), [], GiveUp(node_uid=UID, attempts=5), id="it vanishes each time"),
        pytest.param(dead(machine="Failed"), [], None, id="given up and gone: nothing to do"),
        pytest.param(
            booted(ms_ago=1, attempts=1),
            [],
            Start(node_uid=UID, name="node-1", provider="simulated", boot_id="boot-2"),
            id="a restart interrupted after its row",
        ),
        pytest.param(
            node(heard_boot_id="boot-9"),
            [Machine(name="node-1", uid=UID, boot_id="boot-1")],
            Adopt(node_uid=UID, boot_id="boot-9"),
            id="somebody stopped it and started it again",
        ),
        pytest.param(
            node(boot_id="boot-9", heard_boot_id="boot-9"),
            [Machine(name="node-1", uid=UID, boot_id="boot-1")],
            None,
            id="and its boot is its own from then on",
        ),
        pytest.param(
            node(heard_boot_id=None, heard=False),
            [Machine(name="node-1", uid=UID, boot_id="boot-9")],
            Adopt(node_uid=UID, boot_id="boot-9"),
            id="the row is from a backup",
        ),
        pytest.param(
            node(machine="Restarting", boot_id="boot-2", heard_boot_id="boot-1", restart_at_ms=NOW + 50_000),
            [Machine(name="node-1", uid=UID, boot_id="boot-1")],
            Start(node_uid=UID, name="node-1", provider="simulated", boot_id="boot-2"),
            id="a restart is under way, and only the earlier boot was heard",
        ),
        pytest.param(
            node(),
            [Machine(name="node-1", uid=UID, boot_id="boot-1", running=False)],
            None,
            id="it stands still: its silence will tell",
        ),
        pytest.param(
            node(),
            [Machine(name="node-1", uid=UID, boot_id="boot-1", running=False, remnant=True)],
            boot("Missing"),
            id="somebody removed it, but not its pods",
        ),
        pytest.param(node(), None, None, id="all is well"),
        pytest.param(node(heard=False, ready="Unknown"), None, None, id="never heard: waited for"),
    ],
)
def test_what_is_wanted_comes_to_exist(each: NodeFacts, machines: list[Machine] | None, expected: object) -> None:
    assert actions(run(each, machines=machines)) == ([] if expected is None else [expected])


def test_a_docker_machine_is_absent_until_it_is_seen() -> None:
    plan = decide([replace(NEW, provider="docker")], machines={"docker": []}, paths=[], settings=SETTINGS, now_ms=NOW)

    assert plan.boots[0].machine == "Absent"


def test_machines_of_a_provider_that_does_not_answer_are_left_alone() -> None:
    plan = decide([NEW, node("node-2", restarts_wanted=1)], machines={}, paths=[PATH], settings=SETTINGS, now_ms=NOW)

    assert plan == Plan()


def test_a_machine_without_a_row_is_removed_before_its_name_is_used_again() -> None:
    earlier = Machine(name="node-1", uid="uid-of-earlier", boot_id="boot-0")

    assert actions(run(NEW, machines=[earlier])) == [Orphan(provider="simulated", name="node-1", uid="uid-of-earlier")]


REMOVAL = Removal(node_uid=UID, name="node-1", provider="simulated", exists=True)
GONE = node(deleting=True, machine="Absent", boot_id=None, ready="Unknown")


@pytest.mark.parametrize(
    ("each", "machines", "expected"),
    [
        pytest.param(node(deleting=True, pods=2), None, None, id="its agent stops its pods first"),
        pytest.param(node(deleting=True), None, REMOVAL, id="empty: the machine goes"),
        pytest.param(
            dead(deleting=True, pods=2), None, REMOVAL, id="dead: nobody will stop its pods, so the machine goes first"
        ),
        pytest.param(node(deleting=True, pods=2), [], replace(REMOVAL, exists=False), id="the machine is gone already"),
        pytest.param(
            GONE,
            [Machine(name="node-1", uid=UID, boot_id="boot-1", running=False, remnant=True)],
            REMOVAL,
            id="something of its pods is left",
        ),
        pytest.param(GONE, [], Forget(node_uid=UID, name="node-1"), id="then the row"),
        pytest.param(replace(GONE, pods=1), [], None, id="not while pods are bound to it"),
        pytest.param(replace(GONE, held=True), [], None, id="nor while a finalizer holds it"),
        pytest.param(
            dead(deleting=True, restarts_wanted=1, pods=1, restart_at_ms=NOW),
            None,
            REMOVAL,
            id="it is not restarted any more",
        ),
    ],
)
def test_a_deleted_node_goes_in_order(each: NodeFacts, machines: list[Machine] | None, expected: object) -> None:
    assert actions(run(each, machines=machines)) == ([] if expected is None else [expected])


@pytest.mark.parametrize(
    ("each", "expected"),
    [
        pytest.param(dead(provider="external", restart_at_ms=NOW, restarts_wanted=1), None, id="never restarted"),
        pytest.param(replace(NEW, provider="external"), None, id="never created"),
        pytest.param(node(provider="external", deleting=True), Forget(node_uid=UID, name="node-1"), id="forgotten"),
        pytest.param(node(provider="external", deleting=True, pods=1), None, id="not with pods"),
        pytest.param(node(provider="external", deleting=True, held=True), None, id="not while held"),
    ],
)
def test_an_external_node_is_only_forgotten(each: NodeFacts, expected: object) -> None:
    assert actions(run(each, machines=[])) == ([] if expected is None else [expected])


# ----------------------------------------------------------------------------------------------------------- properties


@given(nodes=ANY_NODES, halted=st.booleans())
def test_every_node_gets_at_most_one_step_and_no_attempt_beyond_the_limit(nodes: list[NodeFacts], halted: bool) -> None:
    plan = run(*nodes, path=replace(PATH, halted=halted))
    stepped = [each.node_uid for each in actions(plan) if not isinstance(each, Recovered | Stable)]  # type: ignore[attr-defined]

    assert len(stepped) == len(set(stepped))
    assert all(each.restart_attempts <= SETTINGS.attempts_max for each in plan.boots)


@given(nodes=ANY_NODES)
def test_a_node_that_is_ready_and_not_wanted_otherwise_is_left_running(nodes: list[NodeFacts]) -> None:
    plan = run(*nodes)
    touched = {each.node_uid for each in plan.boots} | {each.node_uid for each in plan.given_up}
    touched |= {each.node_uid for each in plan.removals}
    content = {
        each.uid
        for each in nodes
        if each.alive and each.restarts_wanted == 0 and not (each.deleting and each.pods == 0)
    }

    assert touched.isdisjoint(content)
