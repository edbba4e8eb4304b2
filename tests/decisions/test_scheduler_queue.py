"""Which pods the scheduler takes for its own."""

import msgspec

from controllers.scheduler.queue import Queue
from kuberklone.kinds import pod as pod_kind
from kuberklone.kinds.pod import Pod


def waiting(uid: str, **spec: object) -> Pod:
    pod = Pod(uid=uid, name=uid, cpu_millis=100, spec=msgspec.json.encode(spec).decode())
    return msgspec.structs.replace(pod, shape=pod_kind.shape(pod_kind.scheduling_inputs(pod)))


def test_a_pod_for_another_scheduler_waits_for_that_one() -> None:
    queue = Queue()
    queue.put(
        [waiting("ours"), waiting("named", schedulerName="default-scheduler"), waiting("theirs", schedulerName="x")]
    )
    assert {pod.uid for pod in queue.due()} == {"ours", "named"}
    assert queue.pods.keys() == {"ours", "named"}


def test_pods_that_name_our_scheduler_and_pods_that_name_none_are_of_one_shape() -> None:
    assert waiting("a").shape == waiting("b", schedulerName="default-scheduler").shape
    assert waiting("a").shape != waiting("c", schedulerName="x").shape
