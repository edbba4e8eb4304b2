"""What `up` says once everything runs: where it is, what runs, and three commands to try."""

import os
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx
from rich.table import Table
from rich.text import Text

import kuberklone
from kuberklone import clock
from kuberklone.cli import kubeconfig, screen
from kuberklone.settings import Settings

# The API answers within two seconds; a slow machine gets more before something is said to be wrong.
_ANSWER_WITHIN_S = 15.0
_POLL_S = 0.03


def greet(settings: Settings, pids: Mapping[str, int], *, without: Sequence[str], docker_nodes: str) -> None:
    """Wait until the API answers, then print the welcome. `docker_nodes` is how the containers of nodes are called."""
    if "api" in pids and not _answers(settings.url):
        screen.say(f"the API does not answer at {settings.url} yet; what it says is above, or in a moment below")
        return
    for part in _welcome(settings, pids, without, docker_nodes):
        screen.say(part) if isinstance(part, str | Text) else screen.show(part)


def program_name() -> str:
    """How the user can type this program's name where they are: its path, unless the shell finds it by name."""
    found = shutil.which("kuberklone")
    here = Path(sys.argv[0]).absolute()
    # Another one may be on the path, of another version.
    if here.name == "kuberklone" and (found is None or Path(found).resolve() != here.resolve()):
        try:
            return str(here.relative_to(Path.cwd()))
        except ValueError:
            return str(here)
    return "kuberklone"


def _answers(url: str) -> bool:
    deadline_s = clock.SYSTEM.monotonic() + _ANSWER_WITHIN_S
    # A proxy from the environment would be asked for an address of this machine.
    with httpx.Client(base_url=url, trust_env=False, timeout=_ANSWER_WITHIN_S) as client:
        while clock.SYSTEM.monotonic() < deadline_s:
            try:
                client.get("/livez")
            except httpx.TransportError:
                clock.sleep(_POLL_S)
            else:
                return True
    return False


def _welcome(
    settings: Settings, pids: Mapping[str, int], without: Sequence[str], docker_nodes: str
) -> list[str | Text | Table]:
    program = program_name()
    if settings.home != Settings().home and not os.environ.get("KUBERKLONE_HOME"):
        program = f"KUBERKLONE_HOME={shlex.quote(str(settings.home))} {program}"
    facts = Table(box=None, show_header=False, pad_edge=False, padding=(0, 3, 0, 0))
    facts.add_row("  data", settings.database_shown)
    facts.add_row("  times", _times(settings))
    if settings.tls_host:
        facts.add_row("  agents", f"come in at {settings.tls_host} port {settings.tls_port}, each with its token")
    facts.add_row("  processes", ", ".join(f"{name} {pid}" for name, pid in pids.items()))
    if without:
        facts.add_row("  kept off", Text(", ".join(without), style="yellow"))
    tries = Table(box=None, show_header=False, pad_edge=False, padding=(0, 3, 0, 0))
    failing = f"docker kill {docker_nodes}-node-1" if docker_nodes else f"{program} fail-node node-1"
    for command, purpose in (
        (f"{program} watch", "nodes and pods, live"),
        (f"{program} add-pod --cpus 2", "let the scheduler place a pod"),
        (failing, "and see its pods move elsewhere"),
    ):
        tries.add_row(Text(f"  {command}", style="cyan"), purpose)
    return [
        Text.assemble(f"KuberKlone {kuberklone.__version__} runs at ", (settings.url, "bold green")),
        "",
        facts,
        "",
        "Try in another terminal:",
        tries,
        "",
        "kubectl finds it after:",
        Text(f"  {kubeconfig.advice(settings)}", style="cyan"),
        "",
        f"Ctrl-C stops it; the data stays{', and the Docker nodes run on' if docker_nodes else ''}.",
    ]


def _times(settings: Settings) -> str:
    return (
        f"heartbeat {settings.heartbeat_interval_s:g} s, grace {settings.node_grace_s:g} s, "
        f"toleration {settings.toleration_s:g} s, restart back-off {settings.restart_backoff_s:g} s"
    )
