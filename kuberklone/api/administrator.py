"""The token by which this machine's own commands come in through the TLS listener: made once, kept beside the data."""

from contextlib import suppress
from pathlib import Path

from kuberklone.api.tls import write_private
from kuberklone.errors import Unauthenticated
from kuberklone.kinds import credentials, token
from kuberklone.store import moment, tokens
from kuberklone.store.database import Store
from kuberklone.store.transaction import write


def ensure(store: Store, home: Path) -> None:
    """Make a token unless the file holds one that this database knows."""
    file = credentials.admin_token(home)
    if file.exists() and _is_valid(store, file):
        return
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with write(store) as transaction:
        _, text = tokens.create(transaction, "admin")
        # Before the commit: a token in the file that no database knows is made anew, one that nobody has is never used.
        write_private(file, f"{text}\n".encode())


def _is_valid(store: Store, file: Path) -> bool:
    with suppress(Unauthenticated, UnicodeDecodeError):
        given = token.parse(file.read_text())
        with moment.now(store) as at:
            found = tokens.find(at.connection, given.id)
            return found is not None and found.purpose == "admin" and found.is_valid(given.secret, now_ms=at.now_ms)
    return False
