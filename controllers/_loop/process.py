"""A controller as a process of its own: from settings to a clean end on SIGTERM."""

import gc
import signal
import threading
from types import FrameType

from controllers._loop.contract import Factory
from controllers._loop.glance import Glance
from controllers._loop.runner import Runner
from kuberklone import logs
from kuberklone.settings import Settings
from kuberklone.store import migrate
from kuberklone.store.database import Store


def run(factories: dict[str, Factory], settings: Settings) -> None:
    """Run controllers, each in a thread of its own, until SIGTERM or SIGINT.

    `kuberklone up` runs most of them one per process, so that each can be killed alone, and the small ones together;
    `kuberklone controller a b` runs any of them in one. Raises SchemaOutdated or SchemaTooNew when the database has
    another schema than this program.
    """
    expect_many_objects()
    logs.configure(settings, process=f"controller {' '.join(factories)}")
    _ensure_current(settings)
    stop = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    failures: list[BaseException] = []
    glance = Glance(Store(settings.database_url)) if len(factories) > 1 else None

    def run_one(name: str, factory: Factory) -> None:
        try:
            _run_one(name, factory, settings, stop, glance=glance)
        except BaseException as error:  # noqa: BLE001 - raised below: a thread's own end is told to nobody
            failures.append(error)
            # A process of which one loop is missing looks alive, and nobody starts it again.
            stop.set()

    threads = [threading.Thread(target=run_one, args=(name, factory), name=name) for name, factory in factories.items()]
    for thread in threads[1:]:
        thread.start()
    # The first runs in the main thread: the usual process has one controller, and a plain stack is easier to read.
    threads[0].run()
    for thread in threads[1:]:
        thread.join()
    if glance is not None:
        glance.close()
    if failures:
        raise failures[0]


def _ensure_current(settings: Settings) -> None:
    # Before any thread begins: an error in one of several would leave the others running and the caller waiting.
    store = Store(settings.database_url)
    try:
        migrate.ensure_current(store)
    finally:
        store.close()


def expect_many_objects() -> None:
    """Let the collector look for cycles rarely: a pass makes tens of thousands of records, none of them in a cycle.

    With the interpreter's thresholds a sixth of a large scheduling pass went into looking for them in vain.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)


def _run_one(name: str, factory: Factory, settings: Settings, stop: threading.Event, *, glance: Glance | None) -> None:
    store = Store(settings.database_url, writer=name)
    try:
        controller = factory(store, settings)
        Runner(name, controller, store=store, settings=settings, stop=stop, glance=glance).run()
    finally:
        store.close()
