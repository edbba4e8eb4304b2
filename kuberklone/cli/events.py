"""`kuberklone events`: what happened."""

from typing import Annotated

import typer

from kuberklone.cli import client, options, screen, wire
from kuberklone.cli.options import examples
from kuberklone.cli.screen import Output

app = typer.Typer()


@app.command("events", rich_help_panel=options.LOOK, epilog=examples("kuberklone events", "kuberklone events -n 100"))
def show(
    lines: Annotated[int, typer.Option("--lines", "-n", metavar="N", min=1, help="The newest so many.")] = 30,
    output: options.OutputAs = Output.TABLE,
    home: options.Home = None,
    server: options.Server = None,
) -> None:
    """List what happened, the newest last."""
    with client.connect(options.settings(home, server)) as api:
        raw = api.get("/events", parameters={"limit": lines})
    if output is Output.JSON:
        screen.say_json(raw)
        return
    # The newest stands last, above the next prompt, where the eye is.
    events = sorted(client.decode(raw, wire.Events).items, key=lambda event: event.at)
    rows = [
        (event.at, event.type, event.reason, f"{event.kind.lower()}/{event.name}", event.count, event.message)
        for event in events
    ]
    screen.show(screen.table(("AT", "TYPE", "REASON", "OBJECT", "TIMES", "MESSAGE"), rows, right=("TIMES",)))
