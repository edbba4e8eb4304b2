"""Whether the API's port is free: asked before anything is migrated or started."""

import errno
import socket

from kuberklone import clock
from kuberklone.cli.exits import Exit, Stop

# The children of a killed supervisor hold the port for another moment: they end within a second.
PATIENCE_S = 2.0
_POLL_S = 0.05


def ensure_free(host: str, port: int, *, patient: bool) -> None:
    """Raise Stop with the remedy unless the port can be listened on; `patient` waits for one about to be freed."""
    deadline_s = clock.SYSTEM.monotonic() + (PATIENCE_S if patient else 0.0)
    while (problem := _problem(host, port)) == errno.EADDRINUSE and clock.SYSTEM.monotonic() < deadline_s:
        clock.sleep(_POLL_S)
    match problem:
        case None:
            return
        case errno.EADDRINUSE:
            sentence = f"port {port} on {host} is taken by another program; try kuberklone up {_next_free(host, port)}."
        case errno.EACCES:
            sentence = f"port {port} is reserved for root; try kuberklone up 8080."
        case _:
            sentence = f"{host} is not an address of this machine; try --host 127.0.0.1."
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
