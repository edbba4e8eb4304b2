"""`kuberklone watch`: nodes and pods on one screen, live."""

import sys
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from kuberklone import clock
from kuberklone.cli import client, nodes, options, pods, screen, status, wire
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
    top = status.summary(client.decode(api.get("/status"), wire.Status))
    room = max(2, lines - _LINES_AROUND - len(top))
    all_nodes = client.decode(api.get("/nodes"), wire.Nodes).items
    all_pods = _pods(api, at_most=room)
    # Pods get what nodes leave, but at least half.
    for_nodes = min(len(all_nodes), max(room // 2, room - len(all_pods)))
    return Group(
        *top,
        "",
        # What is not simply well is what one watches for.
        nodes.table(sorted(all_nodes, key=lambda node: node.status == "Ready")[:for_nodes]),
        "",
        pods.table(all_pods[: room - for_nodes]),
        "",
        Text(f"{api.url}   Ctrl-C ends the view, not the cluster", style="dim"),
    )


def _pods(api: Client, *, at_most: int) -> list[wire.Pod]:
    """Those that wait or go first, then the others; never all of a large cluster."""
    found: dict[str, wire.Pod] = {}
    for wanted in ({"status": "Pending"}, {"status": "Terminating"}, {}):
        raw = api.get("/pods", parameters={**wanted, "limit": at_most})
        for pod in client.decode(raw, wire.Pods).items:
            found.setdefault(pod.name, pod)
    return list(found.values())[:at_most]


def _height() -> int:
    return screen.console().height
