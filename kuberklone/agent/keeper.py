"""Keeps an agent's promise when the agent itself is gone: pods that the cluster starts elsewhere stop when it does.

The cluster moves such pods once the node's grant has ended, and it counts on the agent to have stopped them by then. An
agent that was killed, or told to end, stops nothing. So a machine that joined has a second process, forked before the
first imports anything: it holds the read end of a pipe, learns from it until when the grant lasts, and notices its end.
A node that is a container needs none: who kills it is known to whoever made it, and stops its pods there. The first
process of a container that somebody made for a joined agent takes its keeper along when it ends, so it stops such pods
itself, before; only if the whole container is killed does nobody.

It ends by itself: when nothing is left to stop, or when another agent has spoken to the cluster for the same node.
"""

import json
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kuberklone.clock import SYSTEM, sleep

if TYPE_CHECKING:
    from kuberklone.engine.pod_containers import PodContainers

SESSION_FILE = "session"
"""In the agent's folder: the node for which a cluster accepted a session last, and that session."""

# How often it looks whether another agent has taken over, and whether it is time.
_LOOK_S = 0.5
_ENGINE_S = 20.0


class Keeper:
    """The agent's end of the pipe."""

    def __init__(self, write_end: int) -> None:
        self._write_end = write_end

    def watch(self, *, docker_socket: str, cluster: str, node_uid: str, state_dir: Path, session: str) -> None:
        """Say what is to be stopped, and how it can be known that somebody else looks after it."""
        self._say(
            docker_socket=docker_socket, cluster=cluster, node_uid=node_uid, folder=str(state_dir), session=session
        )

    def granted(self, *, stop_at_ms: int, until_ms: int) -> None:
        self._say(stop_at_ms=stop_at_ms, until_ms=until_ms)

    def dismiss(self) -> None:
        """Nothing is left to stop."""
        self._say(dismissed=True)

    def _say(self, **told: Any) -> None:
        # Somebody may have killed it; the agent itself still stops what it has to.
        with suppress(BrokenPipeError):
            os.write(self._write_end, (json.dumps(told) + "\n").encode())


def fork() -> Keeper:
    """Start the second process. To be called while this one has a single thread and little memory."""
    read_end, write_end = os.pipe()
    if os.fork() != 0:
        os.close(read_end)
        return Keeper(write_end)
    code = 1
    try:
        os.close(write_end)
        # A session of its own: what ends the agent, such as Ctrl-C, is what it is there for.
        os.setsid()
        # Whoever reads what the agent writes must not wait for us.
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nowhere, descriptor)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        _keep(read_end)
        code = 0
    finally:
        # The outermost boundary of a process: nothing may unwind into what the agent does.
        os._exit(code)


def _keep(read_end: int) -> None:
    told = _listen(read_end)
    if told.get("dismissed") or "until_ms" not in told or "folder" not in told:
        return
    while SYSTEM.steady_ms() < told["stop_at_ms"]:
        if _is_succeeded(told):
            return
        sleep(_LOOK_S)
    if not _is_succeeded(told):
        _stop(told)


def _listen(read_end: int) -> dict[str, Any]:
    """All that the agent said until it ended, by whatever signal: the kernel then closes its end of the pipe."""
    told: dict[str, Any] = {}
    with os.fdopen(read_end, encoding="utf-8") as pipe:
        for line in pipe:
            if line.endswith("\n"):  # it may have been killed in the middle of a word
                told |= json.loads(line)
    return told


def _is_succeeded(told: dict[str, Any]) -> bool:
    """Whether another agent has registered for this node since; it stops what it has to by itself.

    One that joined as another node, or another cluster, looks after that one's pods only.
    """
    try:
        node_uid, _, session = (Path(told["folder"]) / SESSION_FILE).read_text(encoding="ascii").partition(" ")
    except (OSError, UnicodeDecodeError):
        return False
    return bool(node_uid == told["node_uid"] and session != told["session"])


def end_movable(containers: "PodContainers", *, kill_at_ms: int) -> None:
    """Stop whatever the cluster starts elsewhere, and kill at that moment what has not ended. Raises EngineError."""
    left = containers.movable()
    for container_id in left:
        containers.signal(container_id)
    while left and SYSTEM.steady_ms() < kill_at_ms:
        sleep(_LOOK_S)
        left = containers.movable()
    # Removed and not only killed: they did not end by themselves, and must not look like it.
    for container_id in left:
        containers.remove(container_id)


def _stop(told: dict[str, Any]) -> None:
    # Only now: while it waits it is a tenth of the agent's size.
    from kuberklone.engine import connection
    from kuberklone.engine.pod_containers import PodContainers
    from kuberklone.errors import EngineError

    while not _is_succeeded(told):
        try:
            engine = connection.connect(told["docker_socket"], timeout_s=_ENGINE_S)
            containers = PodContainers(engine, cluster=told["cluster"], node_uid=told["node_uid"])
            end_movable(containers, kill_at_ms=(told["stop_at_ms"] + told["until_ms"]) // 2)
            return
        except EngineError:
            sleep(_LOOK_S)
