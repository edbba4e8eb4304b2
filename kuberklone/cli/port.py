"""Whether the API's port is free: asked before anything is migrated or started."""

import errno
import socket

from kuberklone import clock
from kuberklone.cli.exits import Exit, Stop
from kuberklone.settings import Settings

# The children of a killed supervisor hold the port for another moment: they end within a second.
PATIENCE_S = 2.0
_POLL_S = 0.05


def ensure_all_free(settings: Settings, *, patient: bool) -> None:
    """Like `ensure_free`, for each listener that the settings ask for."""
    ensure_free(settings.host, settings.port, patient=patient)
    if settings.tls_host:
        ensure_free(settings.tls_host, settings.tls_port, patient=patient, name="tls_")


def ensure_free(host: str, port: int, *, patient: bool, name: str = "") -> None:
    """Raise Stop with the remedy unless the port can be listened on; `patient` waits for one about to be freed."""
    deadline_s = clock.SYSTEM.monotonic() + (PATIENCE_S if patient else 0.0)
    while (problem := _problem(host, port)) == errno.EADDRINUSE and clock.SYSTEM.monotonic() < deadline_s:
        clock.sleep(_POLL_S)
    match problem:
        case None:
            return
        case errno.EADDRINUSE:
            free = _next_free(host, port)
            remedy = f"--set {name}port={free}" if name else f"kuberklone up {free}"
            sentence = f"port {port} on {host} is taken by another program; try {remedy}."
        case errno.EACCES:
            remedy = f"--set {name}port=6443" if name else "kuberklone up 8080"
            sentence = f"port {port} is reserved for root; try {remedy}."
        case _:
            remedy = f"--set {name}host=0.0.0.0" if name else "--host 127.0.0.1"
            sentence = f"{host} is not an address of this machine; try {remedy}."
    raise Stop(sentence, Exit.USAGE)


def _problem(host: str, port: int) -> int | None:
    """The number of the error that listening there meets."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror:
        return errno.EADDRNOTAVAIL
    with socket.socket(family, kind, protocol) as probe:
        # Like the API's own socket: connections that were closed a moment ago do not keep a port taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
            probe.listen(1)
        except OSError as error:
            return error.errno
    return None


def _next_free(host: str, port: int) -> int:
    candidates = range(port + 1, min(port + 50, 65536))
    return next((candidate for candidate in candidates if _problem(host, candidate) is None), 8081)
