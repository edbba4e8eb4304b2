"""What was acknowledged is on the disk: a sync is seen before each acknowledgement, not only asked for in a setting."""

import queue
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from kuberklone.store import pods
from kuberklone.store.database import Store
from kuberklone.store.operations import CreatePods, Outcome
from kuberklone.store.transaction import write
from kuberklone.store.writer import GroupWriter
from tests.store import children, made
from tests.store.sync_witness import Witness

WRITES = 5


@pytest.fixture
def told() -> Iterator[list[str]]:
    """What happened, in order; `sync` for each sync of SQLite's."""
    happened: list[str] = []
    witness = Witness(lambda: happened.append("sync"))
    yield happened
    witness.leave()


def _acknowledge_each(store: Store, happened: list[str]) -> None:
    """Write as the API does, one request after the other."""
    done: queue.Queue[Outcome] = queue.Queue()

    def deliver(outcomes: Sequence[tuple[int, Outcome]]) -> None:
        happened.extend("acknowledged" for _ in outcomes)
        for _, outcome in outcomes:
            done.put(outcome)

    writer: GroupWriter[int] = GroupWriter(store, deliver)
    writer.start()
    for number in range(WRITES):
        writer.submit(number, CreatePods(pods=(made.pod(f"pod-{number}"),)))
        assert isinstance(done.get(timeout=children.DEADLINE_S), list)
    writer.stop()


def test_sqlite_syncs_before_each_acknowledgement_of_the_api(migrated_sqlite_url: str, told: list[str]) -> None:
    with closing(Store(migrated_sqlite_url)) as store:
        _acknowledge_each(store, told)
        happened = re.sub(r"(sync )+", "sync ", " ".join(told) + " ")
    assert happened == "sync acknowledged " * WRITES


def test_the_witness_notices_a_database_that_does_not_sync(migrated_sqlite_url: str, told: list[str]) -> None:
    with closing(Store(migrated_sqlite_url)) as store:
        # The pool has this one connection, so the write gets it too.
        with closing(store.engine.raw_connection()) as connection:
            connection.cursor().execute("PRAGMA synchronous=OFF")
        told.clear()
        made.add_pods(store, made.pod())
        assert told == []


def _synced_writes(store: Store, *, synchronous_commit: str) -> list[bool]:
    """For each write, whether the server had flushed its log beyond the write when the commit came back."""
    seen = []
    for number in range(20):
        with write(store, reserve=1) as transaction:
            transaction.connection.execute(text(f"SET LOCAL synchronous_commit = {synchronous_commit}"))
            pods.create(transaction, [made.pod(f"{synchronous_commit}-{number}")])
            position = transaction.connection.execute(text("SELECT pg_current_wal_insert_lsn()")).scalar_one()
        with store.snapshot() as connection:
            flushed = text("SELECT pg_current_wal_flush_lsn() > CAST(:position AS pg_lsn)")
            seen.append(connection.execute(flushed, {"position": position}).scalar_one())
    return seen


def test_postgres_flushes_its_log_before_each_commit_comes_back(postgres_store: Store) -> None:
    with write(postgres_store) as transaction:
        own = transaction.connection.execute(text("SHOW synchronous_commit")).scalar_one()
    assert all(_synced_writes(postgres_store, synchronous_commit=own))


def test_the_witness_notices_a_server_that_does_not_flush(postgres_store: Store) -> None:
    assert not all(_synced_writes(postgres_store, synchronous_commit="off"))


def _can_trace() -> bool:
    strace = shutil.which("strace")
    return strace is not None and subprocess.run([strace, "-o", "/dev/null", "true"], check=False).returncode == 0


# Where strace is there (the CI installs it), the system calls themselves are seen as well.
if _can_trace():

    @pytest.mark.process
    def test_the_system_call_that_syncs_comes_before_each_acknowledgement(
        migrated_sqlite_url: str, tmp_path: Path
    ) -> None:
        trace = tmp_path / "trace"
        calls = "trace=fsync,fdatasync,write"
        program = Path(__file__).with_name("store_programs.py")
        command = ["strace", "-f", "-e", calls, "-o", str(trace), sys.executable, str(program)]
        subprocess.run(
            [*command, "write", migrated_sqlite_url, "traced", str(WRITES)],
            input="go\n",
            env={"PYTHONPATH": str(children.ROOT)},
            text=True,
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=children.DEADLINE_S,
        )
        happened = ""
        for line in trace.read_text().splitlines():
            if re.search(r"f(data)?sync\(\d+\) += 0|<\.\.\. f(data)?sync resumed>\) += 0", line):
                happened += "" if happened.endswith("sync ") else "sync "
            elif 'write(1, "wrote' in line:
                happened += "acknowledged "
        assert happened.removesuffix("sync ") == "sync acknowledged " * WRITES
