"""Who is judged dead, and when nobody is."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.node_health.decide import Heartbeat, Path, PathJudged, Plan, Settings, Silence, Suspect, decide
from kuberklone.kinds.node import HEARD, SILENT

SETTINGS = Settings(heartbeat_interval_ms=10_000, grace_ms=40_000, pass_interval_ms=10_000)
NOW = 1_000_000


def path(**changes: object) -> Path:
    """A simulator that beat since the last pass, ten seconds ago; five of its nodes are Ready."""
    alive = Path(name="simulator", beat=7, judged_beat=6, judged_ms=NOW - 10_000, ready=5)
    return replace(alive, **changes)  # type: ignore[arg-type]


def heartbeat(**changes: object) -> Heartbeat:
    """Heard last at beat 3, whose silence has been counted to 30 s."""
    beat = Heartbeat(
        path="simulator", boot_id="boot-1", seq=3, received_ms=NOW - 40_000, silent_seq=3, silence_ms=30_000
    )
    return replace(beat, **changes)  # type: ignore[arg-type]


def suspect(uid: str = "node-1", **changes: object) -> Suspect:
    node = Suspect(uid=uid, boot_id="boot-1", ready="True", heartbeat=heartbeat())
    return replace(node, **changes)  # type: ignore[arg-type]


def judge(*suspects: Suspect, on: Path | None = None, now_ms: int = NOW) -> Plan:
    return decide(suspects, paths=[on or path()], settings=SETTINGS, now_ms=now_ms)


def verdicts(plan: Plan) -> dict[str, str]:
    return {verdict.node_uid: verdict.ready for verdict in plan.verdicts}


@pytest.mark.parametrize(
    ("node", "on", "expected"),
    [
        pytest.param(suspect(), path(), "Unknown", id="silent for the whole grace"),
        pytest.param(suspect(heartbeat=heartbeat(silence_ms=29_999)), path(), None, id="a millisecond short of it"),
        pytest.param(suspect(), path(beat=6), None, id="its path has not beaten since"),
        pytest.param(
            suspect(ready="Unknown", heartbeat=heartbeat(seq=4)), path(), "True", id="dead, then beat: Ready at once"
        ),
        pytest.param(
            suspect(ready="Unknown", heartbeat=heartbeat(seq=4)),
            path(beat=6),
            "True",
            id="a beat proves itself, whatever its path",
        ),
        pytest.param(suspect(ready="Unknown"), path(), None, id="dead and still silent"),
        pytest.param(
            suspect(ready="Unknown", heard=False, heartbeat=heartbeat(seq=1, silent_seq=-1)),
            path(),
            "True",
            id="the first beat of all",
        ),
        pytest.param(suspect(ready="Unknown", heard=False, heartbeat=None), path(), None, id="never heard"),
        pytest.param(
            suspect(ready="Unknown", heartbeat=heartbeat(path="gone")), path(), None, id="a path that is unknown"
        ),
        pytest.param(
            suspect(ready="Unknown", boot_id="boot-2", heartbeat=heartbeat(seq=4)),
            path(),
            None,
            id="a beat of the boot before the restart",
        ),
        pytest.param(
            suspect(boot_id="boot-2", machine="Restarting"), path(), "Unknown", id="restarted and never back is judged"
        ),
        pytest.param(
            suspect(ready="Unknown", boot_id="boot-2", heartbeat=heartbeat(boot_id="boot-2", seq=1, silent_seq=-1)),
            path(),
            "True",
            id="the new boot's first beat",
        ),
        pytest.param(
            suspect(ready="Unknown", boot_id=None, heartbeat=heartbeat(seq=4)),
            path(),
            "True",
            id="an external node, whose boot only its agent knows",
        ),
    ],
)
def test_a_node_is_judged_by_its_beats(node: Suspect, on: Path, expected: str | None) -> None:
    assert verdicts(judge(node, on=on)).get("node-1") == expected


def test_verdicts_carry_the_reason_kubernetes_gives() -> None:
    plan = judge(suspect("dead"), suspect("back", ready="Unknown", heartbeat=heartbeat(seq=9)))

    assert {verdict.node_uid: verdict.reason for verdict in plan.verdicts} == {"dead": SILENT, "back": HEARD}


@pytest.mark.parametrize(
    ("beat", "judged_ms_ago", "expected_ms"),
    [
        pytest.param(heartbeat(silence_ms=5_000), 10_000, 15_000, id="grows by the time since the last count"),
        pytest.param(
            heartbeat(silence_ms=5_000), 600_000, 25_000, id="by no more than two passes, however long we were away"
        ),
        pytest.param(heartbeat(seq=4, received_ms=NOW - 16_000), 6_000, 16_000, id="first counted: from its beat on"),
        pytest.param(
            heartbeat(seq=4, received_ms=NOW - 600_000), 590_000, 30_000, id="first counted after an outage of ours"
        ),
        pytest.param(
            heartbeat(seq=4, received_ms=NOW - 600_000),
            5_000,
            20_000,
            id="a missing count is not made up for more than a beat",
        ),
        pytest.param(
            heartbeat(seq=4, received_ms=NOW - 16_000), 600_000, 16_000, id="first counted, beat after the last pass"
        ),
    ],
)
def test_silence_is_counted(beat: Heartbeat, judged_ms_ago: int, expected_ms: int) -> None:
    plan = judge(suspect(heartbeat=beat), on=path(judged_ms=NOW - judged_ms_ago))

    assert plan.silences == (Silence(node_uid="node-1", seq=beat.seq, silence_ms=expected_ms),)


def test_a_late_beat_is_not_yet_silence_to_write_down() -> None:
    assert judge(suspect(heartbeat=heartbeat(seq=4, received_ms=NOW - 12_000))).silences == ()


def test_silence_is_not_counted_while_the_path_is_silent_too() -> None:
    plan = judge(suspect(), on=path(beat=6))

    assert plan.silences == ()
    assert plan.paths == ()


def test_the_silence_of_a_node_judged_dead_is_written_so_that_its_next_beat_is_seen() -> None:
    assert judge(suspect()).silences == (Silence(node_uid="node-1", seq=3, silence_ms=40_000),)


@pytest.mark.parametrize(
    ("node", "on", "expected_ms"),
    [
        pytest.param(None, path(), 10_000, id="nobody is silent: an ordinary pass"),
        pytest.param(suspect(heartbeat=heartbeat(silence_ms=25_000)), path(), 5_000, id="when the next one is stale"),
        pytest.param(suspect(), path(), 10_000, id="judged already"),
        pytest.param(suspect(), path(beat=6), 1_000, id="stale but for the path's proof: soon"),
        pytest.param(suspect(ready="Unknown"), path(), 10_000, id="a dead node needs no waking up"),
    ],
)
def test_the_next_pass_comes_when_a_node_may_be_stale(node: Suspect | None, on: Path, expected_ms: int) -> None:
    assert judge(*([node] if node else []), on=on).next_wake_ms == NOW + expected_ms


def dying(count: int) -> list[Suspect]:
    return [suspect(f"dying-{each}") for each in range(count)]


def dead(count: int, **changes: object) -> list[Suspect]:
    return [suspect(f"dead-{each}", ready="Unknown", **changes) for each in range(count)]


def fading(count: int) -> list[Suspect]:
    """Ready, and cut off a few seconds after the dying ones."""
    return [suspect(f"fading-{each}", heartbeat=heartbeat(silence_ms=21_000)) for each in range(count)]


@pytest.mark.parametrize(
    ("suspects", "ready", "expected"),
    [
        pytest.param(dying(1), 1, True, id="the only node"),
        pytest.param(dying(3), 3, True, id="all three"),
        pytest.param(dying(2), 3, False, id="two of three"),
        pytest.param(dying(9), 10, False, id="nine of ten are not more than 90 %"),
        pytest.param(dying(10), 11, True, id="ten of eleven"),
        pytest.param([*dying(1), *fading(2)], 3, True, id="the first of all three, the others about to follow"),
        pytest.param(fading(3), 3, False, id="none judged dead yet: nothing to stop"),
        pytest.param([*dying(1), *dead(9, machine="Failed")], 2, False, id="nodes given up say nothing of the path"),
        pytest.param([*dying(1), *dead(9, deleting=True)], 2, False, id="nor do nodes on their way out"),
        pytest.param(
            [*dying(1), suspect("new", ready="Unknown", heard=False, heartbeat=heartbeat(silent_seq=3))],
            1,
            True,
            id="a pending node is neither dead nor alive",
        ),
        pytest.param(
            [*dying(1), suspect("back", ready="Unknown", heartbeat=heartbeat(seq=4))],
            1,
            False,
            id="one dies, another returns",
        ),
        pytest.param([], 0, False, id="no nodes at all"),
    ],
)
def test_a_path_is_halted_when_all_or_most_of_its_nodes_look_dead(
    suspects: list[Suspect], ready: int, expected: bool
) -> None:
    (judged,) = judge(*suspects, on=path(ready=ready)).paths

    assert judged.halted is expected
    assert judged.halted_since_ms == (NOW if expected else None)


def test_nodes_of_a_halted_path_are_still_judged_dead_because_that_is_what_we_know() -> None:
    assert verdicts(judge(*dying(3), on=path(ready=3))) == {f"dying-{each}": "Unknown" for each in range(3)}


HALTED = path(halted=True, halted_since_ms=NOW - 60_000, ready=0)


@pytest.mark.parametrize(
    ("suspects", "ready", "expected"),
    [
        pytest.param(dead(3), 0, True, id="nobody has returned"),
        pytest.param(dead(2), 1, False, id="one of three has"),
        pytest.param(dead(10), 1, True, id="one of eleven is not enough"),
        pytest.param(dead(9), 1, False, id="one of ten is"),
        pytest.param(dead(3, machine="Failed"), 0, True, id="giving up the last one is no recovery"),
        pytest.param([], 0, False, id="the last node was deleted"),
    ],
)
def test_a_halt_ends_with_a_recovery(suspects: list[Suspect], ready: int, expected: bool) -> None:
    (judged,) = judge(*suspects, on=replace(HALTED, ready=ready)).paths

    assert judged == PathJudged(
        path="simulator",
        judged_beat=7,
        judged_ms=NOW,
        halted=expected,
        halted_since_ms=NOW - 60_000 if expected else None,
        resumed_ms=None if expected else NOW,
    )


def test_silence_is_counted_from_zero_when_a_path_leaves_its_halt() -> None:
    plan = judge(suspect(heartbeat=heartbeat(silence_ms=8_000)), on=replace(HALTED, ready=2))

    assert plan.silences == (Silence(node_uid="node-1", seq=3, silence_ms=0),)


def test_when_a_path_resumed_is_remembered() -> None:
    (judged,) = judge(on=path(resumed_ms=123)).paths

    assert judged.resumed_ms == 123


def test_paths_are_judged_apart() -> None:
    lonely = suspect("docker-1", heartbeat=heartbeat(path="api"))
    plan = decide([lonely], paths=[path(), path(name="api", ready=1)], settings=SETTINGS, now_ms=NOW)

    assert {judged.path: judged.halted for judged in plan.paths} == {"simulator": False, "api": True}


# ----------------------------------------------------------------------------------------------------------- properties

_BEATS = st.builds(
    Heartbeat,
    path=st.just("simulator"),
    boot_id=st.sampled_from(["boot-1", "boot-2"]),
    seq=st.integers(0, 5),
    received_ms=st.integers(NOW - 120_000, NOW),
    silent_seq=st.integers(-1, 5),
    silence_ms=st.integers(0, 60_000),
)
_SUSPECTS = st.lists(
    st.builds(
        Suspect,
        uid=st.uuids().map(str),
        boot_id=st.sampled_from(["boot-1", None]),
        machine=st.sampled_from(["Running", "Restarting", "Failed"]),
        deleting=st.booleans(),
        ready=st.sampled_from(["True", "Unknown"]),
        heard=st.booleans(),
        heartbeat=st.none() | _BEATS,
    ),
    max_size=15,
)


@given(suspects=_SUSPECTS)
def test_our_own_outage_is_nobodys_death(suspects: list[Suspect]) -> None:
    plan = judge(*suspects, on=path(beat=6))

    assert "Unknown" not in verdicts(plan).values()
    assert plan.paths == ()


@given(suspects=_SUSPECTS, halted=st.booleans(), gap_ms=st.integers(0, 10**9))
def test_no_pass_adds_more_silence_than_two_passes_to_what_was_counted(
    suspects: list[Suspect], halted: bool, gap_ms: int
) -> None:
    plan = judge(*suspects, on=path(halted=halted, judged_ms=NOW - gap_ms, ready=20))
    counted = {
        node.uid: node.heartbeat.silence_ms
        for node in suspects
        if node.heartbeat and node.heartbeat.seq == node.heartbeat.silent_seq
    }

    for silence in plan.silences:
        before_ms = counted.get(silence.node_uid, SETTINGS.suspect_after_ms)
        assert silence.silence_ms <= before_ms + 2 * SETTINGS.pass_interval_ms


@given(suspects=_SUSPECTS, beaten=st.booleans(), halted=st.booleans())
def test_a_pass_comes_soon_and_never_in_the_past(suspects: list[Suspect], beaten: bool, halted: bool) -> None:
    plan = judge(*suspects, on=path(beat=7 if beaten else 6, halted=halted, ready=20))

    assert NOW < plan.next_wake_ms <= NOW + SETTINGS.pass_interval_ms


@given(offset_ms=st.integers(0, 9_999))
def test_a_node_that_falls_silent_is_judged_at_its_grace_however_the_passes_lie(offset_ms: int) -> None:
    """Node last heard at 0; the path beats every second; passes come when asked for."""
    node = suspect(heartbeat=heartbeat(seq=4, received_ms=0, silent_seq=-1, silence_ms=0))
    on = path(beat=0, judged_beat=-1, judged_ms=0)
    now_ms = offset_ms
    for _ in range(100):
        on = replace(on, beat=now_ms // 1_000)
        suspects = [node] if now_ms > SETTINGS.suspect_after_ms else []
        plan = decide(suspects, paths=[on], settings=SETTINGS, now_ms=now_ms)
        if plan.verdicts:
            break
        for silence in plan.silences:
            assert node.heartbeat is not None
            counted = replace(node.heartbeat, silent_seq=silence.seq, silence_ms=silence.silence_ms)
            node = replace(node, heartbeat=counted)
        for judged in plan.paths:
            on = replace(on, judged_beat=judged.judged_beat, judged_ms=judged.judged_ms)
        now_ms = plan.next_wake_ms

    assert SETTINGS.grace_ms <= now_ms <= SETTINGS.grace_ms + 1_000


def test_a_node_that_stays_silent_after_a_halt_is_judged_one_grace_later() -> None:
    node = suspect(heartbeat=heartbeat(silence_ms=0))
    on, now_ms = path(judged_ms=NOW, judged_beat=0), NOW
    for beat in range(1, 20):
        now_ms += 5_000
        plan = judge(node, on=replace(on, beat=beat), now_ms=now_ms)
        if plan.verdicts:
            break
        (silence,), (judged,) = plan.silences, plan.paths
        node = suspect(heartbeat=heartbeat(silence_ms=silence.silence_ms))
        on = replace(on, judged_ms=judged.judged_ms, judged_beat=judged.judged_beat)

    assert now_ms == NOW + SETTINGS.grace_ms
