"""Commands about tokens: by which other machines join, and come in through the TLS listener."""

from typing import Annotated, Literal

import typer

from kuberklone.cli import client, options, screen, wire
from kuberklone.cli.options import examples
from kuberklone.cli.screen import Output

app = typer.Typer(
    no_args_is_help=True,
    help="Make, list and revoke tokens: by which machines join, and come in by TLS.",
    epilog=examples("kuberklone token create", "kuberklone token list"),
)


@app.command("create", epilog=examples("kuberklone token create", "kuberklone token create --hours 1"))
def create(
    hours: Annotated[
        float, typer.Option(metavar="N", help="It ends after so many hours of the cluster's time.")
    ] = 24.0,
    purpose: Annotated[
        Literal["join", "admin"],
        typer.Option(help="For a machine that is to be a node, or for somebody who may do all."),
    ] = "join",
    output: options.OutputAs = Output.TABLE,
    home: options.Home = None,
    server: options.Server = None,
) -> None:
    """Make a token, and say how another machine joins with it. It is shown this once."""
    settings = options.settings(home, server)
    with client.connect(settings) as api:
        raw = api.send("POST", "/add_token", {"hours": hours, "purpose": purpose})
    if output is Output.JSON:
        screen.say_json(raw)
        return
    made = client.decode(raw, wire.CreatedToken)
    if made.purpose == "admin":
        screen.say(made.token)
        return
    screen.say(f"Run this on the machine that joins, until {made.expires_at}:")
    screen.say(f"  kuberklone agent --server {made.server} --token {made.token}")
    if made.server.startswith("http://"):
        screen.say("Only this machine reaches that address; kuberklone up --set tls_host=ADDRESS opens one for others.")


@app.command("list", epilog=examples("kuberklone token list"))
def show(output: options.OutputAs = Output.TABLE, home: options.Home = None, server: options.Server = None) -> None:
    """List the tokens there are. What they say cannot be shown again."""
    with client.connect(options.settings(home, server)) as api:
        raw = api.get("/tokens")
    if output is Output.JSON:
        screen.say_json(raw)
        return
    columns = ("ID", "PURPOSE", "NODE", "CREATED", "EXPIRES")
    rows = [
        (token.id, token.purpose, token.node_uid, token.created_at, _ends(token))
        for token in client.decode(raw, wire.Tokens).items
    ]
    screen.show(screen.table(columns, rows))


@app.command("revoke", epilog=examples("kuberklone token revoke bcdfghjklm"))
def revoke(
    id_: Annotated[str, typer.Argument(metavar="ID", help="As kuberklone token list shows it.", show_default=False)],
    home: options.Home = None,
    server: options.Server = None,
) -> None:
    """Make a token void, within two seconds."""
    with client.connect(options.settings(home, server)) as api:
        api.send("DELETE", "/delete_token", {"id": id_})
    screen.say(f"revoked {id_}")


def _ends(token: wire.Token) -> str:
    if token.expires_at is None:
        return "never"
    return "expired" if token.expired else token.expires_at
