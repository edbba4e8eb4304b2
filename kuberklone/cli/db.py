"""`kuberklone db upgrade`, `db check` and `reset`: what is done to the database itself."""

from dataclasses import dataclass
from pathlib import Path

from rich.text import Text

from kuberklone.cli import docker_nodes, screen
from kuberklone.cli.exits import Exit, Stop
from kuberklone.cli.running import AlreadyRunning, Lock
from kuberklone.settings import Settings
from kuberklone.store import erase, migrate, query, use
from kuberklone.store.database import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Something that holds in every sound database; the question finds what contradicts it."""

    says: str
    question: str


CHECKS = (
    Check(
        says="what a node's pods take is what is kept as taken",
        question=use.DRIFTED,
    ),
    Check(
        says="no node has more pods than it has room for",
        question=(
            "SELECT n.name FROM nodes n JOIN node_use u ON u.node_name = n.name "
            "WHERE u.cpu_millis > n.cpu_millis OR u.memory_bytes > n.memory_bytes OR u.pods > n.pods_max"
        ),
    ),
    Check(
        says="every bound pod is on a node that exists",
        question=(
            "SELECT p.namespace, p.name, p.node_name FROM pods p LEFT JOIN nodes n ON n.name = p.node_name "
            "WHERE p.node_name IS NOT NULL AND n.name IS NULL"
        ),
    ),
    Check(
        says="no pod runs twice",
        # What a frozen node holds does not run; it is stopped as soon as the node thaws.
        question=(
            "SELECT s.namespace, s.name, COUNT(*) FROM simulated_containers s "
            "LEFT JOIN nodes n ON n.name = s.node_name LEFT JOIN faults f ON f.node_uid = n.uid "
            "WHERE s.state = 'Running' AND COALESCE(f.kind, '') <> 'freeze' "
            "GROUP BY s.namespace, s.name HAVING COUNT(*) > 1"
        ),
    ),
    Check(
        says="no change is newer than the cluster's revision",
        question="SELECT h.revision FROM changes h JOIN cluster c ON h.revision > c.revision",
    ),
)
_INTEGRITY = Check(
    says="SQLite finds its file intact", question="SELECT * FROM pragma_integrity_check WHERE integrity_check <> 'ok'"
)


def upgrade(settings: Settings) -> None:
    """Bring the database to this program's schema, with a backup first."""
    done = migrate.upgrade(settings.database_url)
    if done.before == done.after:
        screen.say(f"nothing to do: {settings.database_shown} has schema {done.after}")
    elif done.before is None:
        screen.say(f"created {settings.database_shown} with schema {done.after}")
    else:
        screen.say(f"upgraded {settings.database_shown} from schema {done.before} to {done.after}")
    if done.backup is not None:
        screen.say(f"the backup from before is {done.backup}")


def check(settings: Settings) -> None:
    """Ask the database whether it is whole; Stop if it is not."""
    # Asked first because opening a store creates the file.
    query.run(settings.database_url, "SELECT 1")
    store = Store(settings.database_url)
    try:
        migrate.ensure_current(store)
    finally:
        store.close()
    wrong = 0
    for each in (*CHECKS, *((_INTEGRITY,) if settings.is_sqlite else ())):
        _, rows = query.run(settings.database_url, each.question, timeout_s=settings.sql_timeout_s)
        mark = ("wrong  ", "bold red") if rows else ("ok     ", "green")
        screen.say(Text.assemble(mark, each.says))
        for row in rows[:10]:
            screen.say("       " + ", ".join(str(value) for value in row))
        wrong += bool(rows)
    if wrong:
        raise Stop(f"{wrong} of the checks found something wrong in {settings.database_shown}.")


def reset(settings: Settings) -> None:
    """Remove all data of the cluster, and say so; settings and backups stay."""
    remove(settings)
    screen.say(f"removed the data in {settings.database_shown}; the next kuberklone up begins anew")


def remove(settings: Settings) -> None:
    """Remove all data of the cluster unless somebody runs it."""
    try:
        with Lock(settings.home):
            docker_nodes.remove_for_good(settings)
            erase.erase(settings.database_url)
    except AlreadyRunning as answer:
        pid = f" (pid {answer.owner.pid})" if answer.owner else ""
        raise Stop(f"the cluster runs{pid}; stop it first with kuberklone down.", Exit.ALREADY_RUNNING) from None


def files(settings: Settings) -> list[Path]:
    """Every file that holds the data or a copy of it."""
    return [*erase.files(settings.database_url), *erase.backups(settings.database_url)]
