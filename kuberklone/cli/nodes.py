"""Commands about nodes."""

# Typer reads options from parameters and their defaults, and passes all of them by name.
# ruff: noqa: PLR0917

from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Table

from kuberklone.cli import client, details, options, screen, wire
from kuberklone.cli.options import examples
from kuberklone.cli.screen import Output

app = typer.Typer()

Name = Annotated[str, typer.Argument(metavar="NAME", help="The node.", show_default=False)]


class FaultKind(StrEnum):
    """What can be done to a simulated node."""

    CRASH = "crash"
    FREEZE = "freeze"
    PARTITION = "partition"
    SLOW = "slow"


class Provider(StrEnum):
    """What makes a node's machine exist."""

    SIMULATED = "simulated"
    DOCKER = "docker"
    EXTERNAL = "external"


@app.command("nodes", rich_help_panel=options.LOOK, epilog=examples("kuberklone nodes", "kuberklone nodes node-1"))
def show(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Only this node, with its pods.")] = None,
    output: options.OutputAs = Output.TABLE,
    home: options.Home = None,
    server: options.Server = None,
) -> None:
    """List nodes with what they have and what is free; with a name, its pods and history too."""
    with client.connect(options.settings(home, server)) as api:
        raw = api.get(f"/nodes/{options.segment(name)}" if name else "/nodes")
    if output is Output.JSON:
        screen.say_json(raw)
    elif name:
        details.show(raw)
    else:
        screen.show(table(client.decode(raw, wire.Nodes).items))


def table(nodes: list[wire.Node]) -> Table:
    """One line per node."""
    columns = ("NAME", "STATUS", "CPUS", "USED", "FREE", "MEMORY", "PODS", "HEARTBEAT", "RESTARTS", "PROVIDER")
    rows = [
        (
            node.name, node.status, node.cpus, node.cpus_used, node.cpus_free, screen.memory(node.memory_bytes),
            node.pods, screen.age(node.heartbeat_age_seconds), node.restarts, node.provider,
        )
        for node in nodes
    ]  # fmt: skip
    return screen.table(columns, rows, right=("CPUS", "USED", "FREE", "MEMORY", "PODS", "HEARTBEAT", "RESTARTS"))


@app.command(
    "add-node",
    rich_help_panel=options.CHANGE,
    epilog=examples(
        "kuberklone add-node --cpus 4",
        "kuberklone add-node --cpus 0.5 --memory 2Gi --name small --label disk=ssd",
        "kuberklone add-node --count 100",
        "kuberklone add-node --cpus 2 --provider docker",
    ),
)
def add(
    cpus: Annotated[str, typer.Option(metavar="N", help="Processors, such as 4, 0.5 or 500m.")] = "4",
    memory: Annotated[str | None, typer.Option(metavar="SIZE", help="Such as 512Mi or 8Gi. (default: 8Gi)")] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="(default: node-1, node-2, …)")] = None,
    label: options.Labels = None,
    taint: Annotated[
        list[str] | None, typer.Option(metavar="KEY[=VALUE]:EFFECT", help="As kubectl writes it; may be repeated.")
    ] = None,
    count: Annotated[int | None, typer.Option(metavar="N", min=1, help="So many at once: all or none.")] = None,
    provider: Annotated[
        Provider, typer.Option(help="Played here, a container of the Docker Engine, or a machine that joins by itself.")
    ] = Provider.SIMULATED,
    output: options.OutputAs = Output.TABLE,
    home: options.Home = None,
    server: options.Server = None,
) -> None:
    """Add nodes."""
    body = options.without_none(
        cpus=cpus,
        memory=memory,
        name=name,
        labels=options.pairs(label, "--label"),
        taints=[options.taint(each) for each in taint] if taint else None,
        count=count,
        provider=provider.value,
    )
    with client.connect(options.settings(home, server)) as api:
        raw = api.send("POST", "/add_node", body)
    if output is Output.JSON:
        screen.say_json(raw)
        return
    added = client.named(raw)
    screen.say(f"added {added[0]}" if len(added) == 1 else f"added {len(added)} nodes, {added[0]} to {added[-1]}")


@app.command("delete-node", rich_help_panel=options.CHANGE, epilog=examples("kuberklone delete-node node-1"))
def delete(name: Name, home: options.Home = None, server: options.Server = None) -> None:
    """Delete a node; its pods move elsewhere first."""
    with client.connect(options.settings(home, server)) as api:
        api.send("DELETE", "/delete_node", {"name": name})
    screen.say(f"deleting {name}; its pods move elsewhere")


@app.command("restart-node", rich_help_panel=options.CHANGE, epilog=examples("kuberklone restart-node node-1"))
def restart(name: Name, home: options.Home = None, server: options.Server = None) -> None:
    """Restart a node now."""
    with client.connect(options.settings(home, server)) as api:
        api.send("PUT", "/restart_node", {"name": name})
    screen.say(f"restarting {name}")


@app.command(
    "fail-node",
    rich_help_panel=options.CHANGE,
    epilog=examples(
        "kuberklone fail-node node-1                      it crashes; a restart brings it back",
        "kuberklone fail-node node-1 --no-restart         and no restart helps",
        "kuberklone fail-node node-1 --kind partition     its network is cut until heal-node",
    ),
)
def fail(
    name: Name,
    kind: Annotated[FaultKind, typer.Option(help="What happens to it.")] = FaultKind.CRASH,
    restart: Annotated[bool, typer.Option("--restart/--no-restart", help="Whether a restart ends a crash.")] = True,
    output: options.OutputAs = Output.TABLE,
    home: options.Home = None,
    server: options.Server = None,
) -> None:
    """Make a simulated node fail, and say what to expect."""
    with client.connect(options.settings(home, server)) as api:
        raw = api.send("POST", "/fail_node", {"name": name, "kind": kind.value, "restart": restart})
    if output is Output.JSON:
        screen.say_json(raw)
    else:
        details.show(raw)


@app.command("heal-node", rich_help_panel=options.CHANGE, epilog=examples("kuberklone heal-node node-1"))
def heal(name: Name, home: options.Home = None, server: options.Server = None) -> None:
    """End what fail-node began."""
    with client.connect(options.settings(home, server)) as api:
        api.send("POST", "/heal_node", {"name": name})
    screen.say(f"healing {name}")
