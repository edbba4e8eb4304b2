"""Finds the programs that `up`, `api` and `controller` run: the API and every controller there is.

Controllers stand above this package and the API beside it, so neither may be imported from here; they are looked up by
name when a process is to be started. `controllers.catalogue` knows which there are by their folders, so a new one
appears in `up` without being registered.
"""

import gc
import importlib
import os
import pkgutil
from functools import partial

from setproctitle import setproctitle

from kuberklone import logs
from kuberklone import settings as settings_module
from kuberklone.cli import port
from kuberklone.cli.child import Program
from kuberklone.cli.exits import Exit, Stop
from kuberklone.settings import Settings

API = "api"
SMALL = "small controllers"


def controllers() -> list[str]:
    """The names of all controllers, in alphabetical order."""
    names: list[str] = importlib.import_module("controllers.catalogue").names()
    return names


def chosen(names: list[str], *, known: list[str]) -> list[str]:
    """The names, if there is a program for each."""
    for name in names:
        if name not in known:
            raise Stop(f"there is no {name!r}; choose from {', '.join(known)}.", Exit.USAGE)
    return names


def programs(settings: Settings, *, without: list[str]) -> list[Program]:
    """The API and the controllers, as the supervisor runs them: each a process, the small ones together."""
    api = Program(name=API, title="kuberklone api", run=partial(run_api, settings))
    small: list[str] = importlib.import_module("controllers.catalogue").small()
    together = [name for name in small if name not in without]
    alone = [name for name in controllers() if name not in small and name not in without]
    groups = {name: [name] for name in alone} | ({SMALL: together} if together else {})
    loops = [
        Program(
            name=name, title=f"kuberklone controller {' '.join(group)}", run=partial(run_controllers, group, settings)
        )
        for name, group in groups.items()
    ]
    return [*([] if API in without else [api]), *loops]


def run_api(settings: Settings) -> None:
    """Serve until SIGTERM."""
    logs.configure(settings, process=API)
    importlib.import_module("kuberklone.api.server").run(settings)


def run_controllers(names: list[str], settings: Settings) -> None:
    """Loop until SIGTERM."""
    importlib.import_module("controllers.catalogue").run(names, settings)


def run_api_here(settings: Settings) -> None:
    """`kuberklone api`: in the foreground, without a supervisor."""
    settings_module.check_bind(settings)
    port.ensure_all_free(settings, patient=False)
    setproctitle("kuberklone api")
    run_api(settings)


def run_controllers_here(names: list[str], settings: Settings) -> None:
    """`kuberklone controller`: in the foreground, without a supervisor."""
    chosen(names, known=controllers())
    setproctitle("kuberklone controller " + " ".join(names))
    run_controllers(names, settings)


def import_all(*, without: list[str]) -> None:
    """Import what the children need, once, before they are forked."""
    # BLAS would start threads when numpy is imported, and a process with threads must not fork. Nothing here
    # multiplies matrices large enough to miss them.
    os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"
    # Nothing that is imported becomes garbage. Not looking for it saves a tenth of the time, and leaving what was
    # imported out of later collections keeps its pages shared between the children.
    gc.disable()
    if API not in without:
        importlib.import_module("kuberklone.api.server")
    package = importlib.import_module("controllers")
    for module in pkgutil.walk_packages(package.__path__, "controllers."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    gc.freeze()
    gc.enable()
