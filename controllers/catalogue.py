"""Which controllers there are: every folder here that holds a `reconcile.py`."""

import importlib
from pathlib import Path
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


def run(wanted: list[str], settings: Settings) -> None:
    """Run these controllers in this process until it is told to stop; raises SettingsError for an unknown name."""
    known = names()
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise SettingsError(f"there is no controller {unknown[0]!r}; there are {', '.join(known)}")
    process.run({name: _factory(name) for name in wanted}, settings)


def _factory(name: str) -> Factory:
    module = importlib.import_module(f"controllers.{name}.reconcile")
    return cast(Factory, module.controller)
