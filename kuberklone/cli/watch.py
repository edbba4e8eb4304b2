"""`kuberklone watch`: nodes and pods on one screen, live."""

import sys
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from kuberklone import clock
from kuberklone.cli import client, nodes, options, pods, screen, wire
from kuberklone.cli.client import Client
from kuberklone.cli.exits import Exit, Stop
from kuberklone.cli.options import examples

app = typer.Typer()

# Headings, blank lines and the line at the bottom.
_LINES_AROUND = 7


@app.command("watch", rich_help_panel=options.LOOK, epilog=examples("kuberklone watch", "kuberklone watch --every 2"))
def watch(
    every: Annotated[float, typer.Option(metavar="S", min=0.1, help="Seconds between two looks.")] = 0.5,
    home: options.Home = None,
    server: options.Server = None,
) -> None:
    """Show nodes and pods as they change, until Ctrl-C."""
    with client.connect(options.settings(home, server)) as api:
        first = _picture(api, lines=_height())
        if not sys.stdout.isatty():
            screen.show(first)
            return
        try:
            _live(api, first, every_s=every)
        except KeyboardInterrupt:
            return


def _live(api: Client, first: RenderableType, *, every_s: float) -> None:
    with Live(first, console=screen.console(), screen=True, auto_refresh=False) as live:
        last = first
        while True:
            clock.sleep(every_s)
            try:
                last = _picture(api, lines=_height())
                live.update(last, refresh=True)
            except Stop as stop:
                # The API may be restarting: what was seen last stays, with a word about it.
                note = "nothing answers; trying again" if stop.code is Exit.NO_SERVER else stop.sentence
                live.update(Group(Text(note, style="bold red"), last), refresh=True)


def _picture(api: Client, *, lines: int) -> RenderableType:
    all_nodes = client.decode(api.get("/nodes"), wire.Nodes).items
    all_pods = client.decode(api.get("/pods"), wire.Pods).items
    room = max(2, lines - _LINES_AROUND)
    # Pods get what nodes leave, but at least half.
    for_nodes = min(len(all_nodes), room // 2 if len(all_pods) > room // 2 else room - len(all_pods))
    for_pods = max(1, room - for_nodes)
    return Group(
        nodes.table(all_nodes[:for_nodes]),
        _rest(len(all_nodes) - for_nodes, "nodes"),
        # What is not simply running is what one watches for.
        pods.table(sorted(all_pods, key=lambda pod: pod.status == "Running")[:for_pods]),
        _rest(len(all_pods) - for_pods, "pods"),
        Text(f"{api.url}   Ctrl-C ends the view, not the cluster", style="dim"),
    )


def _rest(count: int, what: str) -> Text:
    return Text(f"… and {count} more {what}\n" if count > 0 else "", style="dim")


def _height() -> int:
    return screen.console().height
