"""Makes nodes exist: writes the wanted boot into the row, then asks the provider for it."""

from collections import defaultdict
from collections.abc import Sequence
from functools import cache, partial
from typing import Any

import msgspec

from controllers._loop.contract import Outcome
from controllers._loop.readable import understood
from controllers.node import decide, docker_order, stopping
from controllers.node.docker_provider import DockerProvider
from controllers.node.facts import Machine, NodeFacts, Path
from controllers.node.facts import Settings as Deadlines
from controllers.node.plan import Boot, Plan
from controllers.node.provider import Provider, simulated_machines
from kuberklone.chance import Chance
from kuberklone.errors import LeadershipLost
from kuberklone.kinds import event as event_kind
from kuberklone.kinds import node as node_kind
from kuberklone.kinds import pod as pod_kind
from kuberklone.kinds.node import NEVER_HEARD, Node
from kuberklone.settings import Settings
from kuberklone.store import crashpoints, events, health, heartbeats, leaderships, machines, nodes
from kuberklone.store.database import Store
from kuberklone.store.events import Note
from kuberklone.store.machines import MachineRow
from kuberklone.store.records import Update
from kuberklone.store.transaction import Fence, Transaction, in_batches, write

_SOURCE = "node"


# While a provider works, how often to look how far it got: about what a person does not notice.
_WORKING_MS = 100
# A machine that vanished by itself changes no record, so its provider is asked again.
_LOOK_MS = 1_000

# However patient candidates are, nobody acts at an engine on older knowledge.
_LEADS_FOR_MAX_S = 5.0


def controller(store: Store, settings: Settings) -> "NodeController":
    docker = DockerProvider(
        socket=settings.docker_socket,
        cluster=cache(partial(docker_order.cluster, store)),
        gateway=docker_order.gateway(settings),
        order=partial(docker_order.order, store, settings),
        clock=store.clock,
        # A candidate waits for a whole term without a renewal; the last one may be as old as the time between two.
        leads_for_s=min(_LEADS_FOR_MAX_S, settings.leadership_term_s - settings.leadership_renewal_s),
        always=bool(settings.tls_host),
    )
    return NodeController(store, settings, chance=Chance(), providers={"docker": docker})


class NodeController:
    # Pods too: a node that is being deleted goes once its last pod has gone. And events: a boot is heard by one.
    watches = (node_kind.RESOURCE, pod_kind.RESOURCE, event_kind.RESOURCE)
    pace_s = 0.02

    def __init__(
        self, store: Store, settings: Settings, *, chance: Chance, providers: dict[node_kind.Provider, Provider]
    ) -> None:
        """`providers` are those of nodes that are more than their row."""
        self._store = store
        self._chance = chance
        self._providers = providers
        self._settings = Deadlines(
            grace_ms=round(settings.node_grace_s * 1000),
            backoff_ms=round(settings.restart_backoff_s * 1000),
            backoff_max_ms=round(settings.restart_backoff_max_s * 1000),
            attempts_max=settings.restart_limit,
        )

    def forget(self) -> None:
        for provider in self._providers.values():
            provider.forget()

    def run_once(self, now_ms: int, fence: Fence) -> Outcome:
        """Boot, restart, give up, stop and remove what is due."""
        # Before the rows: what a provider lists and no row wants is an orphan.
        looks = {name: provider.look() for name, provider in self._providers.items()}
        confirmed_at = self._store.clock.monotonic()
        with self._store.snapshot() as connection:
            leader = leaderships.current(connection, fence.name)
            rows = machines.unsettled(connection)
            ready = health.ready_by_path(connection)
            paths = heartbeats.paths(connection)
            silences = {name: stopping.read(connection, _of(name, rows)) for name in self._providers}
        if leader is None or leader.epoch != fence.epoch:
            raise LeadershipLost
        for name, provider in self._providers.items():
            provider.confirm(fence, confirmed_at, wanted=any(_of(name, rows)))
        errors: list[str] = []
        known = list(understood(rows, _facts, called=lambda row: f"node {row.node.name}", errors=errors))
        by_uid = {row.node.uid: row.node for row, _ in known}
        busy = {uid for look in looks.values() if look is not None for uid in look.busy}
        listed: dict[node_kind.Provider, Sequence[Machine]] = {"simulated": simulated_machines(list(by_uid.values()))}
        listed |= {name: look.machines for name, look in looks.items() if look is not None}
        plan = decide.decide(
            [facts for _, facts in known if facts.uid not in busy],
            machines=listed,
            paths=[
                Path(
                    name=path.path,
                    received_ms=path.received_ms,
                    halted=path.halted,
                    resumed_ms=path.resumed_ms,
                    ready=ready.get(path.path, 0),
                )
                for path in paths
            ],
            settings=self._settings,
            now_ms=now_ms,
        )
        crashpoints.reach("node.decided")
        counts = self._carry_out(plan, by_uid, fence)
        wakes_ms = [plan.next_wake_ms]
        for name, provider in self._providers.items():
            if look := looks[name]:
                stopped = stopping.plan(silences[name], look, now_ms=now_ms, errors=errors)
                counts["stopped"] = stopping.carry_out(
                    stopped, silences[name], provider=provider, store=self._store, fence=fence
                )
                wakes_ms.append(stopped.next_wake_ms)
            if any(_of(name, rows)):
                errors += provider.trouble()
                wakes_ms.append(now_ms + (_WORKING_MS if provider.is_working() else _LOOK_MS))
        errors += self._tell_failures(by_uid, fence)
        next_wake_ms = min((wake for wake in wakes_ms if wake is not None), default=None)
        return Outcome(counts=counts, next_wake_ms=next_wake_ms, errors=tuple(errors))

    def _carry_out(self, plan: Plan, by_uid: dict[str, Node], fence: Fence) -> dict[str, int]:
        for orphan in plan.orphans:
            self._providers[orphan.provider].remove(orphan.name, orphan.uid)
        booted = self._boot(plan.boots, by_uid, fence)
        for start in plan.starts:
            self._ask_for_boot(by_uid[start.node_uid])
        for removal in plan.removals:
            if removal.exists and (provider := self._providers.get(removal.provider)):
                provider.remove(removal.name, removal.node_uid)
        crashpoints.reach("node.provided")
        self._write(self._changes(plan), by_uid, fence)
        return {
            "booted": booted,
            "given_up": len(plan.given_up),
            "removed": len(plan.removals),
            "forgotten": self._forget_rows(plan, by_uid, fence),
        }

    def _boot(self, boots: Sequence[Boot], by_uid: dict[str, Node], fence: Fence) -> int:
        def write_batch(transaction: Transaction, batch: list[Boot]) -> int:
            updates = [Update(by_uid[boot.node_uid], self._booted(by_uid[boot.node_uid], boot)) for boot in batch]
            written = nodes.update(
                transaction,
                updates,
                ("boot_id", "machine", "restarts", "restarts_done", "restart_attempts", "restart_at_ms"),
            )
            reasons = {boot.node_uid: boot for boot in batch}
            events.record(transaction, [_boot_note(node, reasons[node.uid]) for node in written], source=_SOURCE)
            crashpoints.reach("node.booted")
            by_uid.update({node.uid: node for node in written})
            booted.extend(written)
            return len(written)

        booted: list[Node] = []
        done = in_batches(self._store, list(boots), write_batch, fence=fence)
        for node in booted:
            self._ask_for_boot(node)
        return done

    def _ask_for_boot(self, node: Node) -> None:
        provider = self._providers.get(node_kind.provider(node.provider))
        if provider is not None:
            provider.boot(node)

    def _booted(self, node: Node, boot: Boot) -> Node:
        return msgspec.structs.replace(
            node,
            boot_id=self._chance.uid(),
            machine=boot.machine,
            restarts=boot.restarts,
            restarts_done=boot.restarts_done,
            restart_attempts=boot.restart_attempts,
            restart_at_ms=boot.restart_at_ms,
        )

    def _changes(self, plan: Plan) -> dict[str, dict[str, Any]]:
        """The columns that the plan changes apart from boots, by node; several decisions may be about one node."""
        changes: dict[str, dict[str, Any]] = defaultdict(dict)
        for adopt in plan.adoptions:
            changes[adopt.node_uid] |= {"boot_id": adopt.boot_id, "machine": "Running"}
        for recovered in plan.recovered:
            changes[recovered.node_uid] |= {"machine": "Running", "restart_at_ms": None}
        for stable in plan.stable:
            changes[stable.node_uid] |= {"restart_attempts": 0}
        for schedule in plan.schedules:
            changes[schedule.node_uid] |= {"restart_at_ms": schedule.restart_at_ms}
        for given_up in plan.given_up:
            changes[given_up.node_uid] |= {"machine": "Failed", "restart_at_ms": None}
        for removal in plan.removals:
            # Work that was only begun shows in a later look: then the machine does not exist any more.
            if removal.exists and removal.provider in self._providers:
                continue
            changes[removal.node_uid] |= {"machine": "Absent", "boot_id": None, "restart_at_ms": None}
        return changes

    def _tell_failures(self, by_uid: dict[str, Node], fence: Fence) -> list[str]:
        """Tell each node's failures in an event; all of them in words."""
        failures = [failure for provider in self._providers.values() for failure in provider.failures()]
        notes = [
            events.about_node(by_uid[uid], "MachineFailed", what, type="Warning")
            for uid, what in failures
            if uid in by_uid
        ]
        if notes:
            with write(self._store, fence=fence) as transaction:
                events.record(transaction, notes, source=_SOURCE)
        return [what for _, what in failures]

    def _write(self, changes: dict[str, dict[str, Any]], by_uid: dict[str, Node], fence: Fence) -> None:
        def write_batch(transaction: Transaction, batch: list[Update[Node]]) -> int:
            written = nodes.update(transaction, batch, ("boot_id", "machine", "restart_attempts", "restart_at_ms"))
            events.record(
                transaction,
                [_given_up_note(node) for node in written if node.machine == "Failed"],
                source=_SOURCE,
            )
            crashpoints.reach("node.written")
            return len(written)

        updates = [
            Update(by_uid[uid], msgspec.structs.replace(by_uid[uid], **columns)) for uid, columns in changes.items()
        ]
        in_batches(self._store, updates, write_batch, fence=fence)

    def _forget_rows(self, plan: Plan, by_uid: dict[str, Node], fence: Fence) -> int:
        def write_batch(transaction: Transaction, batch: list[Node]) -> int:
            empty = machines.without_pods(transaction.connection, [node.name for node in batch])
            gone = nodes.delete(transaction, [node for node in batch if node.name in empty])
            crashpoints.reach("node.forgotten")
            return len(gone)

        leaving = [by_uid[forget.node_uid] for forget in plan.forgotten]
        return in_batches(self._store, leaving, write_batch, fence=fence)


def _of(provider: node_kind.Provider, rows: Sequence[MachineRow]) -> list[Node]:
    return [row.node for row in rows if row.node.provider == provider]


def _facts(row: MachineRow) -> NodeFacts:
    """Raises ValueError or LookupError for a node that cannot be read, or could not be written with its document."""
    node = row.node
    node_kind.effective_taints(node)
    return NodeFacts(
        uid=node.uid,
        name=node.name,
        provider=node_kind.provider(node.provider),
        machine=node_kind.machine(node.machine),
        boot_id=node.boot_id,
        restarts=node.restarts,
        restarts_wanted=node.restarts_wanted,
        restarts_done=node.restarts_done,
        restart_attempts=node.restart_attempts,
        restart_at_ms=node.restart_at_ms,
        deleting=node.deleting_ms is not None,
        held=node.finalizers != "[]",
        pods=row.pods,
        ready=node_kind.readiness(node.ready),
        heard=node.ready_reason != NEVER_HEARD,
        ready_since_ms=node.ready_since_ms,
        heard_boot_id=row.heard_boot_id,
        path=row.path,
    )


def _boot_note(node: Node, boot: Boot) -> Note:
    match boot.reason:
        case "Created":
            return events.about_node(node, "Created", "The machine was created.")
        case "Wanted":
            return events.about_node(node, "Restarting", "A person asked for a restart.")
        case _:
            message = f"Restart attempt {boot.restart_attempts}: the node was silent or its machine was gone."
            return events.about_node(node, "Restarting", message, type="Warning")


def _given_up_note(node: Node) -> Note:
    message = f"Given up after {node.restart_attempts} restarts; restart it by hand or delete it."
    return events.about_node(node, "Failed", message, type="Warning")
