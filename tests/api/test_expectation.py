"""What POST /fail_node foretells, for the questions a person would ask."""

from typing import Any

import pytest

from kuberklone.api.lab.expectation import Expectation, Outlook, expect
from kuberklone.kinds.node import HEARD, Node
from kuberklone.settings import Settings
from kuberklone.store.faults import FaultKind
from kuberklone.store.overview import NodeInUse

NOON_MS = 1_795_435_200_000  # 2026-11-23T12:00:00Z


def _expect(
    kind: FaultKind = "crash",
    *,
    restart: bool = True,
    ready: str = "True",
    heard_before_ms: int | None = 4_000,
    pods: int = 1,
    others_ready: int = 2,
    attempts: int = 0,
    granted_for_ms: int = 36_000,
    **settings: Any,
) -> Expectation:
    node = Node(
        uid="u", name="node-1", ready=ready, ready_reason=HEARD, ready_since_ms=NOON_MS - 60_000,
        restart_attempts=attempts,
    )  # fmt: skip
    row = NodeInUse(
        node, cpu_millis_used=0, memory_bytes_used=0, pods=pods, granted_until_ms=NOON_MS + granted_for_ms,
        received_ms=None if heard_before_ms is None else NOON_MS - heard_before_ms,
    )  # fmt: skip
    outlook = Outlook(row=row, others_ready=others_ready, now_ms=NOON_MS)
    return expect(kind, restart=restart, outlook=outlook, settings=Settings(**settings))


def _times(expectation: Expectation) -> tuple[str | None, str | None, str | None]:
    found = (expectation.not_ready_by, expectation.pods_move_by, expectation.restart_at)
    return tuple(moment and moment[11:19] for moment in found)  # type: ignore[return-value]


def test_a_crash_is_seen_after_the_grace_moved_after_the_toleration_and_restarted_after_the_back_off() -> None:
    # Heard last at 11:59:56, so silent for 40 s at 12:00:36.
    assert _times(_expect()) == ("12:00:36", "12:00:41", "12:00:46")


@pytest.mark.parametrize(
    ("expectation", "times"),
    [
        pytest.param(_expect("slow"), (None, None, None), id="slow: nothing of it"),
        pytest.param(_expect(restart=False), ("12:00:36", "12:00:41", None), id="it stays dead: no restart"),
        pytest.param(_expect("freeze"), ("12:00:36", "12:00:41", None), id="frozen until healed"),
        pytest.param(_expect("partition"), ("12:00:36", "12:00:41", None), id="cut off until healed"),
        pytest.param(_expect(pods=0), ("12:00:36", None, "12:00:46"), id="no pods to move"),
        pytest.param(_expect(others_ready=0), ("12:00:36", None, "12:00:46"), id="nowhere to go"),
        pytest.param(_expect(heard_before_ms=None), (None, None, None), id="never heard"),
        pytest.param(_expect(ready="Unknown"), ("11:59:00", None, "12:00:10"), id="dead already"),
        pytest.param(_expect(attempts=2), ("12:00:36", "12:00:41", "12:01:16"), id="the back-off has doubled twice"),
        pytest.param(_expect(attempts=99), ("12:00:36", "12:00:41", "12:05:36"), id="the back-off has its largest"),
        pytest.param(_expect(toleration_s=300), ("12:00:36", None, "12:00:46"), id="back before its pods would leave"),
        pytest.param(
            _expect(granted_for_ms=43_500), ("12:00:36", "12:00:44", "12:00:46"), id="not before the run grant ends"
        ),
        pytest.param(
            _expect(heartbeat_interval_s=1, node_grace_s=3, toleration_s=2, restart_backoff_s=15, heard_before_ms=500,
                    granted_for_ms=2_500),
            ("12:00:03", "12:00:05", "12:00:18"),
            id="with the times of a classroom",
        ),
    ],
)  # fmt: skip
def test_what_is_foretold(expectation: Expectation, times: tuple[str | None, str | None, str | None]) -> None:
    assert _times(expectation) == times


def test_pods_that_have_nowhere_to_go_are_mentioned() -> None:
    assert "stay where they are" in _expect(others_ready=0).message
    assert "stay where they are" not in _expect().message
