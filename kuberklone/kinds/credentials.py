"""Where the keys of the cluster lie: what the TLS listener makes and the commands of its own machine read."""

from pathlib import Path

FOLDER = "pki"
CA_CERTIFICATE, CA_KEY = "ca.crt", "ca.key"
SERVER_CERTIFICATE, SERVER_KEY = "server.crt", "server.key"
ADMIN_TOKEN = "admin.token"


def ca_certificate(home: Path) -> Path:
    return home / FOLDER / CA_CERTIFICATE


def admin_token(home: Path) -> Path:
    """A token that allows everything, for the commands of whoever owns the directory."""
    return home / ADMIN_TOKEN


def files(home: Path) -> list[Path]:
    """Those that exist."""
    names = (CA_CERTIFICATE, CA_KEY, SERVER_CERTIFICATE, SERVER_KEY)
    candidates = [*(home / FOLDER / name for name in names), admin_token(home)]
    return [file for file in candidates if file.exists()]
