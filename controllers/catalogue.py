"""Which controllers there are: every folder here that holds a `reconcile.py`."""

import importlib
from pathlib import Path
from types import ModuleType
from typing import cast

from controllers._loop import process
from controllers._loop.contract import Factory
from kuberklone.errors import SettingsError
from kuberklone.settings import Settings


def names() -> list[str]:
    """The names of all controllers, in alphabetical order."""
    return sorted(
        entry.parent.name
        for entry in Path(__file__).parent.glob("*/reconcile.py")
        if not entry.parent.name.startswith("_")
    )


def small() -> list[str]:
    """Those that `kuberklone up` runs in one process: their modules say `SMALL = True`.

    A pass of theirs is short whatever the size of the cluster, so none keeps the others waiting for long.
    """
    return [name for name in names() if getattr(_module(name), "SMALL", False)]


def run(wanted: list[str], settings: Settings) -> None:
    """Run these controllers in this process until it is told to stop; raises SettingsError for an unknown name."""
    known = names()
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise SettingsError(f"there is no controller {unknown[0]!r}; there are {', '.join(known)}")
    process.run({name: _factory(name) for name in wanted}, settings)


def _factory(name: str) -> Factory:
    return cast(Factory, _module(name).controller)


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"controllers.{name}.reconcile")
