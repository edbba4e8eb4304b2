"""Commands about pods."""

# Typer reads options from parameters and their defaults, and passes all of them by name.
# ruff: noqa: PLR0913, PLR0917

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from kuberklone import clock
from kuberklone.cli import client, details, options, screen, wire
from kuberklone.cli.client import Client
from kuberklone.cli.options import examples
from kuberklone.cli.screen import Output
from kuberklone.kinds.explanation import short_explanation

app = typer.Typer()

# The scheduler needs some milliseconds; who does not know after this has to look at why.
_PLACED_WITHIN_S = 2.0
_POLL_S = 0.02
# More lines than this nobody reads; they are counted instead.
_LINES_MAX = 10


@app.command("pods", rich_help_panel=options.LOOK, epilog=examples("kuberklone pods", "kuberklone pods pod-1"))
def show(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Only this pod, with its reasons.")] = None,
    output: options.OutputAs = Output.TABLE,
    home: options.Home = None,
    server: options.Server = None,
) -> None:
    """List pods and where they run; with a name, why it is pending and where it has been."""
    with client.connect(options.settings(home, server)) as api:
        raw = api.get(f"/pods/{options.segment(name)}" if name else "/pods")
    if output is Output.JSON:
        screen.say_json(raw)
    elif name:
        details.show(raw)
    else:
        screen.show(table(client.decode(raw, wire.Pods).items))


def table(pods: Sequence[wire.Pod]) -> Table:
    """One line per pod."""
    rows = [
        (
            pod.name, pod.status, pod.node, pod.cpus, screen.memory(pod.memory_bytes), pod.priority,
            screen.age(pod.age_seconds),
        )
        for pod in pods
    ]  # fmt: skip
    columns = ("NAME", "STATUS", "NODE", "CPUS", "MEMORY", "PRIORITY", "AGE")
    return screen.table(columns, rows, right=("CPUS", "MEMORY", "PRIORITY", "AGE"))


@app.command(
    "add-pod",
    rich_help_panel=options.CHANGE,
    epilog=examples(
        "kuberklone add-pod --cpus 2",
        "kuberklone add-pod --cpus 0.5 --memory 256Mi --count 20",
        "kuberklone add-pod --selector disk=ssd --priority 100 --name db",
        "kuberklone add-pod --image busybox -- sleep 3600     on nodes that run programs",
        "kuberklone add-pod --run-seconds 30 --exit-code 1     it runs half a minute and fails",
    ),
)
def add(
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- COMMAND…]", help="What it runs instead of the image's own program."),
    ] = None,
    cpus: Annotated[str, typer.Option(metavar="N", help="Processors it asks for, such as 2, 0.5 or 500m.")] = "1",
    memory: Annotated[str | None, typer.Option(metavar="SIZE", help="Such as 512Mi or 2Gi.")] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="(default: pod-1, pod-2, …)")] = None,
    priority: Annotated[int | None, typer.Option(metavar="N", help="Higher ones are placed first.")] = None,
    label: options.Labels = None,
    selector: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Only on nodes with this label; may be repeated.")
    ] = None,
    toleration: Annotated[
        list[str] | None, typer.Option(metavar="KEY[=VALUE]:EFFECT", help="A taint it puts up with; may be repeated.")
    ] = None,
    count: Annotated[int | None, typer.Option(metavar="N", min=1, help="So many at once: all or none.")] = None,
    image: Annotated[
        str | None, typer.Option(metavar="IMAGE", help="What runs. (default: a program that waits)")
    ] = None,
    env: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A variable of its environment; may be repeated.")
    ] = None,
    working_dir: Annotated[str | None, typer.Option(metavar="DIR", help="Where it runs.")] = None,
    restart: Annotated[
        str | None, typer.Option(metavar="POLICY", help="Always, OnFailure or Never. (default: Always)")
    ] = None,
    start_delay: Annotated[
        float | None, typer.Option("--start-delay-seconds", metavar="S", help="How long it takes to start.")
    ] = None,
    run_seconds: Annotated[float | None, typer.Option(metavar="S", help="It ends after this. (default: never)")] = None,
    exit_code: Annotated[int | None, typer.Option(metavar="N", help="How it ends; 0 is success.")] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait up to 2 s and say where it was placed.")] = True,
    output: options.OutputAs = Output.TABLE,
    home: options.Home = None,
    server: options.Server = None,
) -> None:
    """Add pods, and say where the scheduler placed them or why it did not."""
    body = options.without_none(
        cpus=cpus,
        memory=memory,
        name=name,
        priority=priority,
        labels=options.pairs(label, "--label"),
        node_selector=options.pairs(selector, "--selector"),
        tolerations=[options.toleration(each) for each in toleration] if toleration else None,
        count=count,
        start_delay_seconds=start_delay,
        run_seconds=run_seconds,
        exit_code=exit_code,
        image=image,
        command=command or None,
        env=options.pairs(env, "--env"),
        working_dir=working_dir,
        restart_policy=restart,
    )
    with client.connect(options.settings(home, server)) as api:
        raw = api.send("POST", "/add_pod", body)
        if output is Output.JSON:
            screen.say_json(raw)
        elif wait:
            _follow(api, client.named(raw))
        else:
            screen.say(f"added {', '.join(client.named(raw))}")


@app.command(
    "logs",
    rich_help_panel=options.LOOK,
    epilog=examples("kuberklone logs pod-1", "kuberklone logs pod-1 --follow --tail 10"),
)
def logs(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The pod.", show_default=False)],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is written from now on.")] = False,
    tail: Annotated[int | None, typer.Option(metavar="N", min=0, help="Only so many lines from the end.")] = None,
    previous: Annotated[bool, typer.Option("--previous", help="Of the run before the last restart.")] = False,
    timestamps: Annotated[bool, typer.Option("--timestamps", help="Each line begins with its time.")] = False,
    home: options.Home = None,
    server: options.Server = None,
) -> None:
    """Show what a pod wrote."""
    given = options.without_none(tail=tail)
    flags = {"follow": follow, "previous": previous, "timestamps": timestamps}
    parameters: dict[str, str | int] = {name: "true" for name, wanted in flags.items() if wanted}
    parameters |= {name: str(value) for name, value in given.items()}
    with client.connect(options.settings(home, server)) as api:
        with api.stream(f"/pods/{options.segment(name)}/logs", parameters=parameters) as pieces:
            for piece in pieces:
                if not screen.write(piece):
                    return


@app.command("delete-pod", rich_help_panel=options.CHANGE, epilog=examples("kuberklone delete-pod pod-1"))
def delete(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The pod.", show_default=False)],
    home: options.Home = None,
    server: options.Server = None,
) -> None:
    """Delete a pod."""
    with client.connect(options.settings(home, server)) as api:
        api.send("DELETE", "/delete_pod", {"name": name})
    screen.say(f"deleting {name}")


def _follow(api: Client, names: list[str]) -> None:
    """Wait until all are placed or the time is over, and say what became of each."""
    deadline_s = clock.SYSTEM.monotonic() + _PLACED_WITHIN_S
    if len(names) > _LINES_MAX:
        _follow_many(api, set(names), deadline_s)
        return
    for name in names:
        found = _placed(api, name)
        while found.node is None and clock.SYSTEM.monotonic() < deadline_s:
            clock.sleep(_POLL_S)
            found = _placed(api, name)
        _say_outcome(found)


def _placed(api: Client, name: str) -> wire.PodDetail:
    return client.decode(api.get(f"/pods/{options.segment(name)}"), wire.PodDetail)


def _follow_many(api: Client, names: set[str], deadline_s: float) -> None:
    while True:
        pods = [pod for pod in client.decode(api.get("/pods"), wire.Pods).items if pod.name in names]
        bound = sum(pod.node is not None for pod in pods)
        if bound == len(names) or clock.SYSTEM.monotonic() >= deadline_s:
            break
        clock.sleep(_POLL_S)
    screen.say(f"added {len(names)} pods: {bound} bound, {len(names) - bound} Pending")
    waiting = next((pod for pod in pods if pod.node is None), None)
    if waiting is not None:
        _say_outcome(_placed(api, waiting.name))


def _say_outcome(pod: wire.PodDetail) -> None:
    if pod.node is not None:
        screen.say(Text.assemble(f"{pod.name} ", ("bound to", "green"), f" {pod.node}"))
        return
    screen.say(Text.assemble(f"{pod.name} ", ("Pending", "yellow"), f": {_why(pod)}"))


def _why(pod: wire.PodDetail) -> str:
    if pod.waiting is None:
        return pod.why_pending or "no reason is known"
    return short_explanation(nodes_evaluated=pod.waiting.nodes_evaluated, reasons=pod.waiting.reasons)
