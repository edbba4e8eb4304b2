"""`kuberklone up`: open the store, then keep the API and the controllers running until Ctrl-C."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from setproctitle import setproctitle

from kuberklone import settings as settings_module
from kuberklone.cli import apart, greeting, port, programs, screen
from kuberklone.cli.child import Program
from kuberklone.cli.exits import Exit, Stop
from kuberklone.cli.running import AlreadyRunning, Lock, Owner
from kuberklone.cli.supervisor import Supervisor
from kuberklone.settings import Settings


def run(settings: Settings, *, nodes: int, without: list[str]) -> None:
    """Return after a clean stop; raises Stop when it cannot begin."""
    settings_module.check_bind(settings)
    programs.chosen(without, known=[programs.API, *programs.controllers()])
    setproctitle("kuberklone up")
    try:
        with Lock(settings.home) as lock:
            _run_alone(settings, lock, nodes=nodes, without=without)
    except AlreadyRunning as answer:
        raise Stop(_who_runs(settings, answer.owner), Exit.ALREADY_RUNNING) from None


def _run_alone(settings: Settings, lock: Lock, *, nodes: int, without: list[str]) -> None:
    # First, so that nothing is migrated for a cluster that cannot start.
    port.ensure_all_free(settings, patient=lock.left_behind)
    lock.write(Owner(pid=os.getpid(), url=settings.url))
    programs.import_all(without=without)
    opened = apart.call(partial(open_store, settings.database_url, nodes))
    if opened.backup is not None:
        screen.say(f"upgraded the database; the backup from before is {opened.backup}")
    supervisor = _supervisor(settings, lock, without=without)
    supervisor.run()
    screen.say(f"stopped; everything is kept in {settings.database_shown}")


def _supervisor(settings: Settings, lock: Lock, *, without: list[str]) -> Supervisor:
    # Known only once the children run; the greeter is forked last and then reads it from its copy of our memory.
    pids: Callable[[], dict[str, int]] = lambda: supervisor.pids()  # noqa: E731
    greeter = Program(
        name="greeter", title="kuberklone greeter", once=True, run=lambda: greeting.greet(settings, pids(), without)
    )
    supervisor = Supervisor(
        [*programs.programs(settings, without=without), greeter], announce=screen.say, private=(lock.descriptor,)
    )
    return supervisor


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What opening the store did."""

    backup: Path | None


def open_store(url: str, nodes: int) -> Opened:
    """Migrate, and give an empty store its first nodes. Called in a process of its own: see `apart`."""
    # Imported here, where they are used: only this process, which ends at once, needs Alembic.
    from kuberklone.store import first_nodes, migrate
    from kuberklone.store.database import Store

    upgrade = migrate.upgrade(url)
    if nodes:
        store = Store(url, writer="up")
        try:
            first_nodes.add(store, nodes)
        finally:
            store.close()
    return Opened(backup=upgrade.backup)


def _who_runs(settings: Settings, owner: Owner | None) -> str:
    if owner is None:
        return f"another kuberklone up is just starting on {settings.home}."
    return f"it runs already: {owner.url}, pid {owner.pid}. Stop it with kuberklone down."
