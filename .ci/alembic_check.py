"""`alembic check` on both databases: the tables that the migrations make are the tables that the program declares."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests import postgres_server

_ROOT = Path(__file__).parents[1]


def _check(url: str) -> None:
    environment = os.environ | {"KUBERKLONE_DATABASE_URL": url}
    for step in (["upgrade", "head"], ["check"]):
        subprocess.run([sys.executable, "-m", "alembic", *step], cwd=_ROOT, env=environment, check=True)


def main() -> int:
    try:
        with tempfile.TemporaryDirectory() as folder:
            _check(f"sqlite:///{folder}/kuberklone.db")
        with (
            postgres_server.running(postgres_server.find_binaries()) as server,
            postgres_server.Databases(server).new() as url,
        ):
            _check(url)
    except subprocess.CalledProcessError as error:
        # Alembic has said what differs.
        return int(error.returncode)
    return 0


if __name__ == "__main__":
    sys.exit(main())
