"""`kuberklone status`: is everything running, and is anything wrong?"""

import typer
from rich.text import Text

from kuberklone.cli import client, options, running, screen, wire
from kuberklone.cli.options import examples
from kuberklone.cli.screen import Output

app = typer.Typer()


@app.command("status", rich_help_panel=options.LOOK, epilog=examples("kuberklone status", "kuberklone status -o json"))
def show(output: options.OutputAs = Output.TABLE, home: options.Home = None, server: options.Server = None) -> None:
    """Say what runs, who leads, and whether anything is wrong."""
    settings = options.settings(home, server)
    with client.connect(settings) as api:
        raw = api.get("/status")
        url = api.url
    if output is Output.JSON:
        screen.say_json(raw)
        return
    status = client.decode(raw, wire.Status)
    owner = None if settings.server else running.find(settings.home)
    screen.say(Text.assemble((url, "bold green"), f"  up: pid {owner.pid}" if owner else ""))
    screen.say(f"revision {status.revision}, cluster time {status.cluster_time}")
    for line in summary(status):
        screen.say(line)
    screen.say("")
    _controllers(status.controllers)


def summary(status: wire.Status) -> list[str | Text]:
    """How many of what, and what is wrong."""
    waiting = f" ({status.pods_waiting} without a node)" if status.pods_waiting else ""
    halted = [
        Text(f"halted: nearly all nodes of the {path} look dead at once, so no pod is moved away", style="bold red")
        for path in status.halted
    ]
    return [f"nodes: {_counts(status.nodes)}", f"pods:  {_counts(status.pods)}{waiting}", *halted]


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {word}" for word, number in counts.items() if number) or "none"


def _controllers(controllers: list[wire.Controller]) -> None:
    rows = [
        (
            each.name, Text("leads", style="green") if each.leading else Text("nobody leads", style="red"),
            _process(each.holder), each.epoch, each.pass_ms, each.lag_revisions, each.errors, each.last_error,
        )
        for each in controllers
    ]  # fmt: skip
    columns = ("CONTROLLER", "STATE", "PROCESS", "EPOCH", "PASS MS", "LAG", "ERRORS", "LAST ERROR")
    screen.show(screen.table(columns, rows, right=("EPOCH", "PASS MS", "LAG", "ERRORS")))


def _process(holder: str) -> str | None:
    """`host/pid/start time` without the start time, which only tells two processes of one pid apart."""
    return holder.rpartition("/")[0] or None
