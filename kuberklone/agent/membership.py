"""How an agent becomes part of a cluster: by a token for its node, or by joining as a machine that comes by itself."""

import ssl
import threading
from collections.abc import Callable
from typing import TypeVar

from kuberklone import logs
from kuberklone.agent import machine, trust
from kuberklone.agent.beating import Backoff
from kuberklone.agent.kept import Directory, Membership
from kuberklone.agent.link import Link
from kuberklone.agent.options import Options
from kuberklone.errors import ApiUnavailable, SettingsError
from kuberklone.kinds.reporting import Join

Answer = TypeVar("Answer")

_log = logs.get()


class Stopped(Exception):
    """The agent was told to end before it was part of a cluster."""


class Entrance:
    """Finds out who the machine is to the cluster, patiently where the API is not there yet."""

    def __init__(self, options: Options, kept: Directory, *, stop: threading.Event) -> None:
        self._options = options
        self._kept = kept
        self._stop = stop

    def tls(self) -> ssl.SSLContext | None:
        token = self._options.token
        if token is None and self.known() is None:
            raise self._no_token()
        fingerprint = None if token is None else token.ca_fingerprint
        return self._patiently(
            lambda: trust.context(self._options.server, fingerprint=fingerprint, kept=self._kept.certificate)
        )

    def known(self) -> Membership | None:
        """What was kept of an earlier start."""
        return self._kept.membership(self._options.server)

    def join(self, tls: ssl.SSLContext | None) -> Membership:
        """Become a node of the cluster, or find the machine's own again."""
        options = self._options
        if options.token is None:
            raise self._no_token()
        message = Join(
            machine_id=self._kept.machine_id(),
            name=options.name,
            cpus=options.cpus or machine.cores(),
            memory=options.memory or machine.memory_bytes(),
            labels=dict(options.labels),
        )
        with Link(options.server, token=_bare(options), tls=tls) as link:
            joined = self._patiently(lambda: link.join(message))
        membership = Membership(
            server=options.server,
            node_name=joined.node_name,
            node_uid=joined.node_uid,
            cluster_id=joined.cluster_id,
            token=joined.token,
        )
        self._kept.keep(membership)
        _log.info("joined", name=joined.node_name, url=options.server)
        return membership

    def _no_token(self) -> SettingsError:
        return SettingsError(
            f"--token is missing, and this machine is no node of {self._options.server} yet; "
            "kuberklone token create makes one there."
        )

    def _patiently(self, ask: Callable[[], Answer]) -> Answer:
        """Containers of one cluster are started together, so the API may come after its agents."""
        backoff = Backoff()
        while not self._stop.is_set():
            try:
                return ask()
            except ApiUnavailable as error:
                _log.warning("api not reached", url=self._options.server, error=str(error))
            self._stop.wait(backoff.seconds())
        raise Stopped


def _bare(options: Options) -> str:
    assert options.token is not None, "whoever comes here has one"
    return f"kk.{options.token.id}.{options.token.secret}"
