"""Whether a pod is ready for work, and since when: the condition Ready of its document, without making the document."""

import msgspec

from kuberklone.kinds import durations
from kuberklone.kinds.pod import Pod


class _Condition(msgspec.Struct, rename="camel"):
    type: str = ""
    status: str = ""
    last_transition_time: str | None = None


class _Status(msgspec.Struct):
    conditions: list[_Condition] | None = None


_STATUS = msgspec.json.Decoder(_Status)


def ready_since_ms(pod: Pod) -> int | None:
    """The moment, in cluster time; None while it is not ready. ValueError for a status that cannot be read."""
    if pod.status != "{}":
        # What an agent has written counts; pods of simulated nodes have nothing there.
        said = _STATUS.decode(pod.status).conditions
        ready = next((condition for condition in said or () if condition.type == "Ready"), None)
        if ready is not None:
            since_ms = durations.moment_ms(ready.last_transition_time)
            return (since_ms or pod.started_ms or 0) if ready.status == "True" else None
    if pod.phase != "Running":
        return None
    return pod.started_ms if pod.started_ms is not None else pod.bound_ms or 0
