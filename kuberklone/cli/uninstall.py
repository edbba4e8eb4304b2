"""`kuberklone uninstall`: remove everything the program keeps, after listing it."""

import sys
from pathlib import Path

import typer

from kuberklone.cli import db, kubeconfig, running, screen
from kuberklone.cli.exits import Exit, Stop
from kuberklone.kinds import credentials
from kuberklone.settings import Settings


def run(settings: Settings, *, yes: bool) -> None:
    """List what goes, ask unless `yes`, and remove it."""
    owner = running.find(settings.home)
    if owner is not None:
        raise Stop(f"the cluster runs (pid {owner.pid}); stop it first with kuberklone down.", Exit.ALREADY_RUNNING)
    files = [*db.files(settings), *credentials.files(settings.home)]
    kept = _others(settings.home, files)
    _list(settings, files, kept)
    if not yes and not _agreed():
        screen.say("nothing was removed")
        return
    db.remove(settings)
    for path in (*files, settings.home / running.LOCK_NAME, settings.home / kubeconfig.NAME):
        path.unlink(missing_ok=True)
    folder = settings.home / credentials.FOLDER
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
    if settings.home.is_dir() and not kept:
        settings.home.rmdir()
    screen.say(f"removed; the program itself goes with: {sys.executable} -m pip uninstall kuberklone")


def _list(settings: Settings, files: list[Path], kept: list[Path]) -> None:
    screen.say("This will be removed:")
    if not settings.is_sqlite:
        screen.say(f"  all tables of KuberKlone in {settings.database_shown}")
    for path in files:
        screen.say(f"  {path}  ({screen.memory(path.stat().st_size)})")
    if settings.home.is_dir() and not kept:
        screen.say(f"  {settings.home}  (the directory)")
    if kept:
        screen.say("This is not KuberKlone's own and stays:")
        for path in kept:
            screen.say(f"  {path}")


def _others(home: Path, files: list[Path]) -> list[Path]:
    if not home.is_dir():
        return []
    ours = {*files, home / running.LOCK_NAME, home / kubeconfig.NAME, home / credentials.FOLDER}
    return sorted(path for path in home.iterdir() if path not in ours)


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise Stop("nobody can be asked here; add --yes to remove it.", Exit.USAGE)
    return typer.confirm("Remove all of it?")
