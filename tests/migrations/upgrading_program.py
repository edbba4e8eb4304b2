"""Run by tests as a process of its own: upgrades a database when told to, and says what it found."""

import sys

from kuberklone.store import migrate


def main(url: str) -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    found = migrate.upgrade(url)
    sys.stdout.write(f"{found.before} {found.after}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
