"""Refuses requests that a foreign web page sent through somebody's browser.

The API asks nobody who they are, so whoever reaches it may do anything. A page from elsewhere reaches it in two ways:
it sends requests from its own origin, which the browser says in `Origin`; or its host name is made to resolve to
127.0.0.1 (DNS rebinding), and then the browser says that name in `Host`. Only names that cannot be anybody else's are
let in: localhost, loopback addresses, and the address that was asked for with `--host`.
"""

import ipaddress
import socket
from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus

from kuberklone.api import problems
from kuberklone.api.problems import Problem
from kuberklone.settings import Settings

# Headers of equal requests are equal; a stranger who varies them must not grow the memory.
_REMEMBERED = 1_024

Judge = Callable[[bytes | None, bytes | None, str], Problem | None]
"""`(Host, Origin, the address the connection came to)`; None: let it in."""


def judge_for(settings: Settings) -> Judge:
    names = {"localhost", settings.host.lower()}
    if settings.insecure:
        # Whoever opened it to a network reaches it by the machine's name as well.
        names.add(socket.gethostname().lower())

    @lru_cache(maxsize=_REMEMBERED)
    def judge(host: bytes | None, origin: bytes | None, reached: str) -> Problem | None:
        if host is None or not _is_ours(host_name(host.decode("latin-1")), names | {reached}):
            return problems.of_status(
                HTTPStatus.MISDIRECTED_REQUEST,
                f"the Host header names {_shown(host)}, which is not this server; use http://localhost:{settings.port}",
            )
        if origin is not None and not _is_same(origin, host):
            return problems.of_status(
                HTTPStatus.FORBIDDEN, f"pages of {_shown(origin)} may not use this API; only its own may"
            )
        return None

    return judge


def host_name(host: str) -> str:
    """The name or address of a Host header, without its port and without an address's brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def _is_ours(name: str, names: set[str]) -> bool:
    if name in names:
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _is_same(origin: bytes, host: bytes) -> bool:
    return origin.lower() in (b"http://" + host.lower(), b"https://" + host.lower())


def _shown(header: bytes | None) -> str:
    return "nothing" if header is None else repr(header.decode("latin-1")[:80])
