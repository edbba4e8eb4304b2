"""An agent as a process: from its options to a clean end on SIGTERM, with one thread for each thing it waits for.

    beats       keeps the node heard                    never touches the engine
    pods        waits for news of the node's pods       and hands streams to threads of their own
    reconcile   makes the engine match                  with threads for what takes long (`workers`)
    reports     tells what is observed
    events      nudges `reconcile`                      the engine ends it at will, in silence
    usage       reads what pods use

SIGTERM ends the agent and leaves its pods running, so that it can be replaced; pods that would be moved elsewhere then
run no longer than the grant (`keeper`), and where the agent is the first process of a container, no longer than it.
"""

import os
import signal
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

import kuberklone
from kuberklone import clock, logs
from kuberklone.agent import keeper as keepers
from kuberklone.agent import machine
from kuberklone.agent.beating import RETRY_FIRST_S, Backoff, Beats, Introduction
from kuberklone.agent.facts import Grant
from kuberklone.agent.inventory import Inventory
from kuberklone.agent.keeper import Keeper
from kuberklone.agent.kept import Directory
from kuberklone.agent.link import Link
from kuberklone.agent.membership import Entrance, Stopped
from kuberklone.agent.options import Options
from kuberklone.agent.reconciling import Nudge, Reconciler
from kuberklone.agent.reporter import Reporter
from kuberklone.agent.runtime import Place, Runtime
from kuberklone.agent.standing import Standing
from kuberklone.agent.streams import Streams
from kuberklone.agent.usage import Usage
from kuberklone.agent.workers import Workers
from kuberklone.chance import Chance
from kuberklone.engine import connection, host, labels
from kuberklone.engine.connection import Engine
from kuberklone.engine.host import Host
from kuberklone.engine.pod_containers import PodContainers
from kuberklone.engine.pod_streams import PodStreams
from kuberklone.errors import (
    ApiUnavailable,
    EngineError,
    Forbidden,
    KuberkloneError,
    NotFound,
    Refused,
    SettingsError,
    Unauthenticated,
)
from kuberklone.kinds.reporting import MachineInfo

# A busy engine takes seconds for a create; only one that hangs takes longer, and what it does then is found out later.
_ENGINE_S = 20.0
# Shorter than what the API allows (30 s) and what proxies cut as idle.
_POLL_S = 25.0
# Without an event of ours: the connection is then made anew, in case the engine lost it and said nothing.
_EVENTS_SILENCE_S = 300.0
_EVENTS_RETRY_S = 1.0
# What a person looking at a node sees as now, at a few milliseconds per pod.
_USAGE_S = 10.0
# What has to stop, when the node is no more, ends within this or stays for a person to see.
_LEAVING_MS = 60_000
# Whoever ends a container waits ten seconds before it kills it; removing what has not ended by then needs the rest.
_ENDING_MS = 4_000
_FIRST_PROCESS = 1
# How long threads that wait for somebody are waited for at the end; all of them survive being cut off.
_END_S = 2.0

_chance = Chance()
_log = logs.get()


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the machine is to the cluster."""

    cluster: str
    node_uid: str
    node_name: str
    boot_id: str
    token: str
    network_of: str | None = None
    cgroup: str = ""


def run(options: Options, keeper: Keeper | None = None) -> None:
    """Be the agent until SIGTERM; raises KuberkloneError with the reason when it cannot go on.

    `keeper` is the second process of a machine that joined.
    """
    stop = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    engine = connection.connect(options.docker_socket, timeout_s=_ENGINE_S)
    kept = Directory(options.state_dir)
    entrance = Entrance(options, kept, stop=stop)
    try:
        tls = entrance.tls()
        identity = identify(options, engine, kept, entrance, tls)
    except Stopped:
        return
    with Link(options.server, token=identity.token, tls=tls) as link:
        try:
            Agent(options, identity, engine=engine, link=link, kept=kept, keeper=keeper).run(stop)
        except (Unauthenticated, Forbidden, NotFound) as error:
            kept.forget()
            if keeper is not None:
                keeper.dismiss()
            raise KuberkloneError(
                f"node {identity.node_name} is not part of the cluster at {options.server} any more ({error}); "
                "its containers were removed. Join again with a new token."
            ) from error
    _log.info("agent ended; its pods run on", name=identity.node_name)


def identify(
    options: Options, engine: Engine, kept: Directory, entrance: Entrance, tls: ssl.SSLContext | None
) -> Identity:
    """Who this machine is: a node by its container, a member since an earlier start, or one that joins now."""
    if not options.container:
        member = entrance.known() or entrance.join(tls)
        return Identity(
            cluster=member.cluster_id,
            node_uid=member.node_uid,
            node_name=member.node_name,
            boot_id=machine.boot_of_machine(member.node_uid),
            token=member.token,
        )
    own = host.own_container(engine, options.container)
    if options.token is None:
        raise SettingsError("KUBERKLONE_AGENT_TOKEN is missing: a node container is given the token of its node.")
    return Identity(
        cluster=own.labels.get(labels.CLUSTER, ""),
        node_uid=own.labels.get(labels.NODE_UID, ""),
        node_name=own.labels.get(labels.NODE_NAME, ""),
        boot_id=machine.boot_of_container(options.boot_id, kept),
        token=str(options.token),
        network_of=own.id,
        cgroup=own.cgroup,
    )


def _place(options: Options, identity: Identity, described: Host, address: str) -> Place:
    return Place(
        cluster=identity.cluster,
        node_uid=identity.node_uid,
        node_name=identity.node_name,
        boot_id=identity.boot_id,
        address=address,
        pause_image=options.pause_image,
        network_of=identity.network_of,
        cgroup_parent=identity.cgroup if described.nests_cgroups else "",
    )


def _about(described: Host, address: str) -> MachineInfo:
    return MachineInfo(
        engine_version=described.engine_version,
        os_image=described.os_image,
        kernel=described.kernel,
        architecture=described.architecture,
        runtime=f"docker://{described.engine_version}",
        address=address,
        agent_version=kuberklone.__version__,
    )


class Agent:
    """All threads of one agent, and what they share."""

    def __init__(
        self,
        options: Options,
        identity: Identity,
        *,
        engine: Engine,
        link: Link,
        kept: Directory,
        keeper: Keeper | None,
    ) -> None:
        steady = clock.SYSTEM
        described = host.host(engine)
        address = machine.address(options.server)
        session = _chance.uid()
        nudge = Nudge()
        self._keeper = keeper
        self._kept = kept
        self._node_uid = identity.node_uid
        self._session = session
        self._link = link
        self._containers = PodContainers(engine, cluster=identity.cluster, node_uid=identity.node_uid)
        self._standing = Standing(
            node_name=identity.node_name,
            boot_id=identity.boot_id,
            shares_network=identity.network_of is not None,
            clock=steady,
            on_grant=self._pass_on,
        )
        place = _place(options, identity, described, address)
        self._workers = Workers(Runtime(self._containers, place), self._containers, clock=steady, nudge=nudge)
        self._reporter = Reporter(
            link, session=session, boot_id=identity.boot_id, standing=self._standing, nudge=nudge, clock=steady
        )
        self._reconciler = Reconciler(
            Inventory(self._containers, clock=steady),
            self._workers,
            standing=self._standing,
            observer=self._reporter,
            address=address,
            nudge=nudge,
            clock=steady,
        )
        self._usage = Usage(self._containers, node_container=identity.network_of or "", clock=steady)
        self._beats = Beats(
            link,
            Introduction(boot_id=identity.boot_id, session=session, machine=_about(described, address)),
            standing=self._standing,
            usage=self._usage,
            running=self._running,
            clock=steady,
        )
        self._streams = Streams(
            link, PodStreams(engine), standing=self._standing, seen=lambda: self._reconciler.seen, clock=steady
        )
        self._nudge = nudge
        self._clock = steady
        self._failures: list[Exception] = []
        if keeper is not None:
            keeper.watch(
                docker_socket=options.docker_socket,
                cluster=identity.cluster,
                node_uid=identity.node_uid,
                state_dir=options.state_dir,
                session=session,
            )

    def run(self, stop: threading.Event) -> None:
        """Until told to stop, or until one of the threads cannot go on."""
        # What an earlier boot left is stopped, and what runs is known, before the cluster hears of this boot.
        self._reconciler.run_once()
        loops = {
            "beats": self._beats.run,
            "pods": self._follow,
            "reconcile": self._reconciler.run,
            "reports": self._report,
            "events": self._listen,
            "usage": self._measure,
        }
        threads = [
            # Daemons, because one that waits for an engine that hangs must not keep the process from ending.
            threading.Thread(target=self._owned, args=(loop, stop), name=name, daemon=True)
            for name, loop in loops.items()
        ]
        for thread in threads:
            thread.start()
        stop.wait()
        self._nudge()
        self._reporter.wake()
        for thread in threads:
            thread.join(_END_S / len(threads))
        self._workers.close()
        if self._keeper is not None and os.getpid() == _FIRST_PROCESS:
            self._end_movable()
        for error in self._failures:
            if isinstance(error, (Unauthenticated, Forbidden, NotFound)):
                self._leave()
            raise error

    def _pass_on(self, grant: Grant) -> None:
        """Whoever stops pods when this process is gone has to know until when they may run."""
        if self._keeper is not None:
            self._kept.keep_session(self._node_uid, self._session)
            self._keeper.granted(stop_at_ms=grant.stop_at_ms, until_ms=grant.until_ms)

    def _owned(self, loop: Callable[[threading.Event], None], stop: threading.Event) -> None:
        try:
            loop(stop)
        except Exception as error:  # noqa: BLE001 - raised by `run`: a thread's own end is told to nobody
            self._failures.append(error)
            # A process of which one loop is missing looks alive, and nobody starts it again.
            stop.set()

    def _running(self) -> list[str]:
        return sorted({each.pod_uid for each in self._reconciler.seen if each.state == "Running"})

    def _follow(self, stop: threading.Event) -> None:
        """Keep up with what the cluster wants here."""
        self._beats.registered.wait()
        backoff = Backoff()
        while not stop.is_set():
            view = self._standing.view()
            asked_ms = self._clock.steady_ms()
            after = 0 if view.assignments is None else view.revision
            try:
                assigned = self._link.pods(after=after, wait_s=_POLL_S)
            except ApiUnavailable:
                # `beats` says so to people.
                stop.wait(backoff.seconds())
                continue
            except (Unauthenticated, Forbidden, NotFound, Refused):
                stop.wait(backoff.seconds())  # `beats` finds out whether that is so
                continue
            backoff.reset()
            if self._standing.told(assigned, asked_ms=asked_ms):
                self._nudge()
            self._streams.begin(assigned.streams)

    def _report(self, stop: threading.Event) -> None:
        backoff = Backoff()
        self._beats.registered.wait()
        while not stop.is_set():
            try:
                self._reporter.run_once()
            except KuberkloneError as error:
                _log.warning("reports not accepted", url=self._link.server, error=str(error))
                stop.wait(backoff.seconds())
                continue
            backoff.reset()
            self._reporter.wait(_POLL_S)

    def _listen(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                for container_id in self._containers.events(silence_s=_EVENTS_SILENCE_S):
                    if stop.is_set():
                        return
                    self._reconciler.touched(container_id)
            except EngineError:
                pass  # `reconcile` says so to people
            # Whatever happened while nobody listened is found by looking.
            self._nudge()
            stop.wait(_EVENTS_RETRY_S)

    def _measure(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self._usage.sample(self._reconciler.seen)
            stop.wait(_USAGE_S)

    def _end_movable(self) -> None:
        """With the first process of a container its keeper ends as well, and nobody would keep the promise."""
        try:
            keepers.end_movable(self._containers, kill_at_ms=self._clock.steady_ms() + _ENDING_MS)
        except EngineError as error:
            _log.warning("what the cluster starts elsewhere was not stopped", error=str(error))

    def _leave(self) -> None:
        """The cluster knows no such node any more, so nothing may go on running in its name."""
        deadline_ms = self._clock.steady_ms() + _LEAVING_MS
        while self._clock.steady_ms() < deadline_ms:
            try:
                left = self._containers.listed()
                if not left:
                    return
                for each in left:
                    self._containers.remove(each.id)
            except EngineError as error:
                _log.warning("container not stopped", error=str(error))
                clock.sleep(RETRY_FIRST_S)
