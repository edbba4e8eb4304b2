"""The command line: which commands there are and what each is given. What they do is in the modules beside this one."""

# Typer reads options from parameters and their defaults, and passes all of them by name.
# ruff: noqa: PLR0917

from typing import Annotated

import typer

import kuberklone
from kuberklone.cli import (
    agent,
    data,
    down,
    events,
    kubeconfig,
    nodes,
    options,
    pods,
    programs,
    status,
    tokens,
    up,
    watch,
)
from kuberklone.cli.exits import Exit, Stop
from kuberklone.cli.options import examples

app = typer.Typer(
    name="kuberklone",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
    help="A Kubernetes-like cluster whose whole state is a SQL database you can read.",
    epilog=examples(
        "kuberklone up --nodes 3            start a cluster with three simulated nodes",
        "kuberklone add-pod --cpus 2        let the scheduler place a pod",
        "kuberklone watch                   see it all, live",
    )
    + "\n\nExit codes: 0 done, 1 refused or failed, 2 wrong usage or taken port, 3 runs already, 4 no server.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"kuberklone {kuberklone.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which one.")
    ] = False,
) -> None:
    """Options before the command."""


@app.command(
    "up",
    rich_help_panel=options.CLUSTER,
    epilog=examples(
        "kuberklone up --nodes 3            a new cluster gets three simulated nodes",
        "kuberklone up 8081                 on another port",
        "kuberklone up --provider docker    whose first nodes are containers, with --nodes 3",
        "kuberklone up --demo               nodes fail and recover within seconds",
        "kuberklone up --without scheduler  then run it yourself: kuberklone controller scheduler",
    ),
)
def _up(
    port_: Annotated[int | None, typer.Argument(metavar="PORT", help="The same as --port.")] = None,
    host: options.Host = None,
    port: options.Port = None,
    nodes: Annotated[
        int, typer.Option(metavar="N", min=0, max=10_000, help="Nodes for a store that never had any.")
    ] = 0,
    provider: Annotated[
        up.FirstProvider, typer.Option(help="What those nodes are: played here, or containers of the Docker Engine.")
    ] = up.FirstProvider.SIMULATED,
    demo: options.Demo = False,
    without: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Keep this controller (or the api) off; may be repeated.")
    ] = None,
    home: options.Home = None,
    insecure: options.Insecure = None,
    set_: options.Set = None,
) -> None:
    """Run the cluster here until Ctrl-C; all of it survives and continues with the next `up`."""
    if None not in (port_, port) and port_ != port:
        raise Stop(f"two ports are given, {port_} and {port}; leave one out.", Exit.USAGE)
    flags = {"host": host, "port": port if port_ is None else port_, "home": home, "insecure": insecure}
    resolved = options.resolve(flags, assignments=set_, demo=demo)
    up.run(resolved.settings, nodes=nodes, provider=provider.value, without=without or [])


@app.command("down", rich_help_panel=options.CLUSTER, epilog=examples("kuberklone down"))
def _down(home: options.Home = None) -> None:
    """Stop the `up` that runs on the data, wait until it has, and remove the containers of its Docker nodes."""
    down.run(options.settings(home))


@app.command("api", rich_help_panel=options.CLUSTER, epilog=examples("kuberklone api", "kuberklone api --port 8081"))
def _api(
    host: options.Host = None,
    port: options.Port = None,
    demo: options.Demo = False,
    home: options.Home = None,
    insecure: options.Insecure = None,
    set_: options.Set = None,
) -> None:
    """Run only the API here, on a database that `up` or `db upgrade` has prepared."""
    flags = {"host": host, "port": port, "home": home, "insecure": insecure}
    programs.run_api_here(options.resolve(flags, assignments=set_, demo=demo).settings)


@app.command(
    "controller",
    rich_help_panel=options.CLUSTER,
    epilog=examples(
        "kuberklone controller scheduler       two copies are safe: one leads, the other waits",
        "kuberklone controller                 all of them in one process",
    ),
)
def _controller(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Which; all if none is named.")] = None,
    demo: options.Demo = False,
    home: options.Home = None,
    set_: options.Set = None,
) -> None:
    """Run controllers here, beside whatever else runs."""
    resolved = options.resolve({"home": home}, assignments=set_, demo=demo)
    programs.run_controllers_here(names or programs.controllers(), resolved.settings)


app.add_typer(tokens.app, name="token", rich_help_panel=options.CHANGE)
for _part in (kubeconfig, agent, nodes, pods, events, status, watch, data):
    app.add_typer(_part.app)
