"""`kuberklone down`: stop the `up` that runs on the data."""

import os
import signal
from contextlib import suppress

from kuberklone import clock
from kuberklone.cli import running, screen
from kuberklone.cli.exits import Stop
from kuberklone.cli.supervisor import STOP_WITHIN_S
from kuberklone.settings import Settings

# The supervisor gives its children their time and then ends them; a moment more for itself.
_GONE_WITHIN_S = STOP_WITHIN_S + 2.0
_POLL_S = 0.05


def run(settings: Settings) -> None:
    """Return once it is gone; nothing to stop is a success, for scripts that want it stopped.

    Docker nodes go after it: whoever would boot them again is gone by then.
    """
    # Imported here: it takes longer than stopping does.
    from kuberklone.cli import docker_nodes

    owner = running.find(settings.home)
    if owner is None:
        screen.say(f"nothing runs on {settings.home}")
    else:
        _stop(settings, owner)
    docker_nodes.remove(settings)


def _stop(settings: Settings, owner: running.Owner) -> None:
    with suppress(ProcessLookupError):
        try:
            os.kill(owner.pid, signal.SIGTERM)
        except PermissionError:
            raise Stop(f"pid {owner.pid} belongs to another user; ask them to stop it, or use sudo.") from None
    deadline_s = clock.SYSTEM.monotonic() + _GONE_WITHIN_S
    while running.find(settings.home) == owner:
        if clock.SYSTEM.monotonic() > deadline_s:
            raise Stop(f"pid {owner.pid} did not stop within {_GONE_WITHIN_S:g} s; end it with kill -9 {owner.pid}.")
        clock.sleep(_POLL_S)
    screen.say(f"stopped pid {owner.pid}; the data stays in {settings.database_shown}")
