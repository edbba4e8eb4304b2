"""Run by tests as processes of their own: what another program does with the same store.

write URL NAME COUNT    COUNT transactions of one to three pods, each printed when it is acknowledged
lead URL NAME           take a leadership, begin a fenced write when told and finish it when told again
hold URL                hold SQLite's turnstile until told to leave
tick URL COUNT          COUNT empty transactions, printing cluster time
"""

import fcntl
import os
import sys
from collections.abc import Callable
from contextlib import closing

from kuberklone import clock
from kuberklone.errors import LeadershipLost, StoreUnavailable
from kuberklone.store import database, pods
from kuberklone.store.database import Store, turnstile_path
from kuberklone.store.leaderships import Candidate
from kuberklone.store.transaction import fenced_only, write
from tests.store import made

_TERM_S = 3600.0


def _say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def _told() -> str:
    return sys.stdin.readline().strip()


def write_pods(store: Store, name: str, count: str) -> None:
    for number in range(int(count)):
        wanted = [made.pod(f"{name}-{number}-{part}") for part in range(1 + number % 3)]
        # Sometimes more revisions than are used and sometimes fewer.
        with write(store, reserve=number % 5) as transaction:
            written = pods.create(transaction, wanted)
        _say("wrote", *(f"{pod.revision}={pod.uid}" for pod in written))


def lead(store: Store, name: str) -> None:
    """Write under a leadership won long ago; each write may find that somebody else leads."""
    fence = Candidate(store, name, term_s=_TERM_S, clock=clock.SYSTEM).stand()
    assert fence is not None, "nobody else leads"
    _say("leads", fence.epoch)
    while wish := _told():
        try:
            if wish == "beat":
                with fenced_only(store, fence) as connection:
                    made.beat(connection, f"by-{name}")
            else:
                with write(store, reserve=1, fence=fence) as transaction:
                    if wish == "begin":
                        _say("began")
                        _told()
                    pods.create(transaction, [made.pod(f"by-{name}-{transaction.first_free}")])
        except LeadershipLost:
            _say("fenced off")
        except StoreUnavailable:
            _say("store unavailable")
        else:
            _say("wrote")


def hold(store: Store) -> None:
    with store.turn():
        _say("holds")
        _told()
    _say("left")
    _told()


def take(store: Store) -> None:
    """Any program may lock a file; this one leaves no mark in it."""
    with turnstile_path(store.url).open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        _say("holds")
        _told()


def tick(store: Store, count: str) -> None:
    for _ in range(int(count)):
        with write(store) as transaction:
            now_ms = transaction.now_ms
        _say("time", now_ms)


PROGRAMS: dict[str, Callable[..., None]] = {
    "write": write_pods,
    "lead": lead,
    "hold": hold,
    "take": take,
    "tick": tick,
}


def _shorten_limits() -> None:
    """A limit that a test would otherwise have to wait for."""
    idle_ms = os.environ.get("TEST_IDLE_IN_TRANSACTION_MS")
    if idle_ms:
        database._IDLE_IN_TRANSACTION_MS = int(idle_ms)


def main(program: str, url: str, *arguments: str) -> None:
    _shorten_limits()
    with closing(Store(url, writer=program)) as store:
        _say("ready")
        _told()
        PROGRAMS[program](store, *arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])
