"""`kuberklone up`: open the store, then keep the API and the controllers running until Ctrl-C."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

from setproctitle import setproctitle

from kuberklone import settings as settings_module
from kuberklone.cli import apart, greeting, kubeconfig, port, programs, screen
from kuberklone.cli.child import Program
from kuberklone.cli.exits import Exit, Stop
from kuberklone.cli.running import AlreadyRunning, Lock, Owner
from kuberklone.cli.supervisor import Supervisor
from kuberklone.errors import EngineError
from kuberklone.kinds.node import Provider
from kuberklone.settings import Settings


class FirstProvider(StrEnum):
    """What the first nodes may be; machines that join by themselves are nobody's first nodes."""

    SIMULATED = "simulated"
    DOCKER = "docker"


def run(settings: Settings, *, nodes: int, provider: Provider, without: list[str]) -> None:
    """Return after a clean stop; raises Stop when it cannot begin."""
    settings_module.check_bind(settings)
    programs.chosen(without, known=[programs.API, *programs.controllers()])
    setproctitle("kuberklone up")
    try:
        with Lock(settings.home) as lock:
            _run_alone(settings, lock, nodes=nodes, provider=provider, without=without)
    except AlreadyRunning as answer:
        raise Stop(_who_runs(settings, answer.owner), Exit.ALREADY_RUNNING) from None


def _run_alone(settings: Settings, lock: Lock, *, nodes: int, provider: Provider, without: list[str]) -> None:
    # Imported here, where it is used: every command imports this module, and few need the engine.
    from kuberklone.cli import docker_nodes

    # First, so that nothing is migrated for a cluster that cannot start.
    port.ensure_all_free(settings, patient=lock.left_behind)
    if provider == "docker":
        docker_nodes.check(settings)
    lock.write(Owner(pid=os.getpid(), url=settings.url))
    programs.import_all(without=without)
    opened = apart.call(partial(open_store, settings.database_url, nodes, provider))
    if opened.backup is not None:
        screen.say(f"upgraded the database; the backup from before is {opened.backup}")
    kubeconfig.write(settings)
    if provider == "docker" or opened.docker_nodes:
        settings = _open_listener(settings, opened, wanted=provider == "docker")
    is_docker = bool(settings.tls_host) and (provider == "docker" or opened.docker_nodes > 0)
    greet = partial(
        greeting.greet, settings, without=without, docker_nodes=f"kuberklone-{opened.cluster}" if is_docker else ""
    )
    supervisor = _supervisor(settings, lock, greet, without=without)
    supervisor.run()
    screen.say(f"stopped; everything is kept in {settings.database_shown}")
    if settings.tls_host and (left := docker_nodes.running(settings, opened.cluster)):
        screen.say(f"{left} Docker nodes run on, and what runs there; kuberklone down removes them")


def _open_listener(settings: Settings, opened: "Opened", *, wanted: bool) -> Settings:
    """Where the agents of Docker nodes come in; without an engine, a cluster that has other nodes runs all the same."""
    from kuberklone.cli import docker_nodes

    try:
        settings = docker_nodes.open_listener(settings, opened.cluster)
    except EngineError as error:
        if wanted:
            raise
        screen.say(f"{opened.docker_nodes} Docker nodes will not be heard until up is started again: {error}")
        return settings
    port.ensure_all_free(settings, patient=True)
    return settings


def _supervisor(settings: Settings, lock: Lock, greet: Callable[..., None], *, without: list[str]) -> Supervisor:
    # Known only once the children run; the greeter is forked last and then reads it from its copy of our memory.
    pids: Callable[[], dict[str, int]] = lambda: supervisor.pids()  # noqa: E731
    greeter = Program(name="greeter", title="kuberklone greeter", once=True, run=lambda: greet(pids()))
    supervisor = Supervisor(
        [*programs.programs(settings, without=without), greeter], announce=screen.say, private=(lock.descriptor,)
    )
    return supervisor


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What opening the store did."""

    backup: Path | None
    cluster: str
    """The id of the cluster."""
    docker_nodes: int


def open_store(url: str, nodes: int, provider: Provider = "simulated") -> Opened:
    """Migrate, and give an empty store its first nodes. Called in a process of its own: see `apart`."""
    # Imported here, where they are used: only this process, which ends at once, needs Alembic.
    from kuberklone.store import engine_marks, first_nodes, migrate
    from kuberklone.store.database import Store

    upgrade = migrate.upgrade(url)
    store = Store(url, writer="up")
    try:
        if nodes:
            first_nodes.add(store, nodes, provider)
        marks = engine_marks.read(store)
        return Opened(backup=upgrade.backup, cluster=marks.cluster, docker_nodes=len(marks.docker_nodes))
    finally:
        store.close()


def _who_runs(settings: Settings, owner: Owner | None) -> str:
    if owner is None:
        return f"another kuberklone up is just starting on {settings.home}."
    return f"it runs already: {owner.url}, pid {owner.pid}. Stop it with kuberklone down."
