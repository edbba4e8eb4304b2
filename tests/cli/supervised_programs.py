"""Run by the supervisor tests as a process of its own: a supervisor over small programs that print what they do."""

import signal
import sys
from functools import partial

from kuberklone.cli.child import Program
from kuberklone.cli.supervisor import Supervisor


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def work(name: str) -> None:
    """Run until SIGTERM and say so, as the API and the controllers do."""
    signal.signal(signal.SIGTERM, lambda _number, _frame: None)
    say(f"{name} works")
    signal.pause()
    say(f"{name} stopped")


def ignore_stop(name: str) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    say(f"{name} works")
    while True:
        signal.pause()


def fail(name: str) -> None:
    say(f"{name} fails")
    sys.exit(7)


def crash(name: str) -> None:
    raise ValueError(f"{name} cannot work")


KINDS = {"work": work, "ignore-stop": ignore_stop, "fail": fail, "crash": crash}


def main(arguments: list[str]) -> None:
    programs = []
    for argument in arguments:
        name, kind = argument.split("=")
        programs.append(Program(name=name, title=f"kuberklone test {name}", run=partial(KINDS[kind], name)))
    Supervisor(programs, announce=say).run()
    say("all stopped")


if __name__ == "__main__":
    main(sys.argv[1:])
