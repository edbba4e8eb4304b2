"""Whatever JSON arrives, a request for pods or nodes either is one that can be kept or names what is wrong."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.exceptions import HTTPException

from kuberklone.api import bodies
from kuberklone.errors import InvalidField
from kuberklone.kinds import node_request, pod_request
from kuberklone.kinds.node import Node
from kuberklone.kinds.node_request import NodeRequest
from kuberklone.kinds.pod import Pod, scheduling_inputs
from kuberklone.kinds.pod_request import PodRequest

Build = Callable[[bytes], tuple[Node, ...] | tuple[Pod, ...]]
INTEGER_MAX = 2**63 - 1

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
amounts = st.integers(-2, 5) | st.floats(0, 10) | st.sampled_from(["500m", "2", "1Gi", "0.1", "1e3", "1u"]) | anything
words = st.sampled_from(["a", "web", "zone", "x.y/z", "NoExecute", "Exists", ""]) | anything
FIELDS: dict[str, Any] = {
    "cpus": amounts, "memory": amounts, "name": words, "count": st.integers(-1, 4) | anything,
    "labels": st.dictionaries(st.sampled_from(["a", "b/c", ""]), words, max_size=2) | anything,
    "priority": st.integers() | anything, "node_selector": st.dictionaries(st.just("zone"), words) | anything,
    "tolerations": st.lists(st.dictionaries(st.sampled_from(["key", "operator", "value", "effect"]), words)) | anything,
    "taints": st.lists(st.dictionaries(st.sampled_from(["key", "value", "effect"]), words)) | anything,
    "start_delay_seconds": st.floats() | anything, "run_seconds": st.floats() | anything,
    "exit_code": st.integers(-1, 300) | anything, "provider": words, "surprise": anything,
}  # fmt: skip


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    names = draw(st.sets(st.sampled_from(sorted(FIELDS)), max_size=4))
    body = {"cpus": draw(amounts), **{name: draw(FIELDS[name]) for name in names}}
    return json.dumps(body).encode()


def _nodes(body: bytes) -> tuple[Node, ...]:
    return node_request.build(bodies.parse(body, NodeRequest))


def _pods(body: bytes) -> tuple[Pod, ...]:
    return pod_request.build(bodies.parse(body, PodRequest), toleration_s=5)


def _made_or_refused(build: Build, body: bytes) -> tuple[Node, ...] | tuple[Pod, ...]:
    """What was made; nothing when it was refused in one of the two ways, with a reason."""
    try:
        return build(body)
    except InvalidField as refusal:
        reason = (refusal.field, str(refusal))
    except HTTPException as refusal:
        reason = ("400" if refusal.status_code == 400 else "", refusal.detail)
    assert all(reason)
    return ()


@pytest.mark.parametrize("build", [_nodes, _pods])
@given(body=requests())
def test_any_object_is_kept_or_refused_with_a_reason(build: Build, body: bytes) -> None:
    for record in _made_or_refused(build, body):
        assert 0 < record.cpu_millis <= INTEGER_MAX
        assert 0 <= record.memory_bytes <= INTEGER_MAX
        json.loads(record.labels)
        if isinstance(record, Pod):
            assert scheduling_inputs(record).cpu_millis == record.cpu_millis
            assert json.loads(record.spec)["containers"]


@pytest.mark.parametrize("build", [_nodes, _pods])
@given(body=st.binary(max_size=200))
def test_any_bytes_are_refused_with_a_reason(build: Build, body: bytes) -> None:
    assert _made_or_refused(build, body) == ()
