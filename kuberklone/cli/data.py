"""Commands about the data and the settings. What opens the database is imported when it is asked for: it takes longer
to import than most commands take to run.
"""

# Typer reads options from parameters and their defaults, and passes all of them by name.
# ruff: noqa: PLR0917

from typing import Annotated

import typer

from kuberklone.cli import options, settings_table
from kuberklone.cli.exits import Exit, Stop
from kuberklone.cli.options import examples
from kuberklone.cli.screen import Output

app = typer.Typer()
db_app = typer.Typer(no_args_is_help=True, help="Upgrade or check the database.")
app.add_typer(db_app, name="db", rich_help_panel=options.DATA)

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@db_app.command("upgrade", epilog=examples("kuberklone db upgrade"))
def upgrade(home: options.Home = None, set_: options.Set = None) -> None:
    """Bring the database to this program's schema; SQLite is backed up first. `up` does it by itself."""
    from kuberklone.cli import db

    db.upgrade(options.resolve({"home": home}, assignments=set_).settings)


@db_app.command("check", epilog=examples("kuberklone db check"))
def check(home: options.Home = None, set_: options.Set = None) -> None:
    """Ask the database whether it is whole; exit code 1 if it is not."""
    from kuberklone.cli import db

    db.check(options.resolve({"home": home}, assignments=set_).settings)


@app.command(
    "sql",
    rich_help_panel=options.DATA,
    epilog=examples(
        'kuberklone sql "SELECT name, status, cpus_free FROM v_nodes"',
        'kuberklone sql "SELECT * FROM v_pending" --json',
        "kuberklone sql - < question.sql",
    ),
)
def sql(
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="One SELECT; - reads it from standard input.")],
    as_json: Annotated[bool, typer.Option("--json", help="A list of objects.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Comma-separated, with a heading.")] = False,
    home: options.Home = None,
    set_: options.Set = None,
) -> None:
    """Ask the database a question; it refuses to change anything. docs/sql.md explains the views."""
    from kuberklone.cli import sql as sql_answer

    resolved = options.resolve({"home": home}, assignments=set_)
    sql_answer.run(resolved.settings, question, as_json=as_json, as_csv=as_csv)


@app.command("reset", rich_help_panel=options.DATA, epilog=examples("kuberklone reset --yes"))
def reset(yes: Yes = False, home: options.Home = None, set_: options.Set = None) -> None:
    """Remove all data of the cluster, so that the next `up` begins anew."""
    from kuberklone.cli import db

    settings = options.resolve({"home": home}, assignments=set_).settings
    if not yes:
        raise Stop(f"this removes all data in {settings.database_shown}; add --yes if that is meant.", Exit.USAGE)
    db.reset(settings)


@app.command("uninstall", rich_help_panel=options.DATA, epilog=examples("kuberklone uninstall"))
def uninstall(yes: Yes = False, home: options.Home = None, set_: options.Set = None) -> None:
    """Remove everything the program keeps on this machine; lists it first."""
    from kuberklone.cli import uninstall as removal

    removal.run(options.resolve({"home": home}, assignments=set_).settings, yes=yes)


@app.command(
    "settings",
    rich_help_panel=options.DATA,
    epilog=examples(
        "kuberklone settings",
        "kuberklone settings --explain port node_grace_s",
        "KUBERKLONE_NODE_GRACE_S=20 kuberklone settings -o json",
    ),
)
def settings(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Only these.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say what each is for.")] = False,
    demo: options.Demo = False,
    home: options.Home = None,
    set_: options.Set = None,
    output: options.OutputAs = Output.TABLE,
) -> None:
    """List every setting with its value, its unit and where the value comes from."""
    resolved = options.resolve({"home": home}, assignments=set_, demo=demo)
    settings_table.show(resolved, names=names or [], explain=explain, output=output)
