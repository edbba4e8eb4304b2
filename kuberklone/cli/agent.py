"""The command that makes this machine a node: it checks what is given and becomes the agent's own, smaller program."""

# Typer reads options from parameters and their defaults, and passes all of them by name.
# ruff: noqa: PLR0917

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from kuberklone.cli import options
from kuberklone.cli.options import examples
from kuberklone.settings import AGENT_PREFIX

app = typer.Typer()


@app.command(
    "agent",
    rich_help_panel=options.CLUSTER,
    epilog=examples(
        "kuberklone token create                    on the cluster: prints the next line",
        "kuberklone agent --server URL --token T    here, the first time",
        "kuberklone agent --server URL              from then on: the machine is known",
        "kuberklone agent … --cpus 2 --memory 4Gi   give the cluster only a part of it",
    )
    + "\n\nEvery option is also a variable, such as KUBERKLONE_AGENT_TOKEN, which containers use. When the agent ends, "
    "its pods run on; those that the cluster moves elsewhere are stopped when the node's grant ends.",
)
def run(
    server: Annotated[
        str | None, typer.Option(metavar="URL", help="The cluster's API, as `kuberklone token create` shows it.")
    ] = None,
    token: Annotated[
        str | None, typer.Option(metavar="TOKEN", help="Needed the first time. `kuberklone token create` makes one.")
    ] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="(default: node-1, node-2, …)")] = None,
    cpus: Annotated[
        str | None, typer.Option(metavar="N", help="Processors for pods. (default: all of this machine)")
    ] = None,
    memory: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Memory for pods, such as 8Gi. (default: all of this machine)")
    ] = None,
    label: options.Labels = None,
    docker_socket: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The Docker Engine. (default: unix:///var/run/docker.sock)"),
    ] = None,
    state_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Who this machine is to the cluster. (default: ~/.local/state/kuberklone/agent)"
        ),
    ] = None,
) -> None:
    """Make this machine a node: run the cluster's pods in its Docker Engine, until Ctrl-C."""
    labels = options.pairs(label, "--label")
    given = {
        "SERVER": server,
        "TOKEN": token,
        "NAME": name,
        "CPUS": cpus,
        "MEMORY": memory,
        "LABELS": None if labels is None else ",".join(f"{key}={value}" for key, value in labels.items()),
        "DOCKER_SOCKET": docker_socket,
        "STATE_DIR": None if state_dir is None else str(state_dir),
    }
    environment = {**os.environ, **{AGENT_PREFIX + key: value for key, value in given.items() if value is not None}}
    # The command line has imported what an agent has no use for, and the agent runs for months on small machines.
    os.execve(sys.executable, [sys.executable, "-m", "kuberklone.agent"], environment)
