"""The beat of the path `api`: while it goes on, an agent's silence is the agent's and not ours."""

import asyncio

from kuberklone import logs
from kuberklone.api.writes import Writes
from kuberklone.errors import KuberkloneError
from kuberklone.settings import Settings
from kuberklone.store import agents
from kuberklone.store.agents import BeatPath, Done
from kuberklone.store.database import Store

# node_health judges nobody on a path that has not beaten since it looked last.
_EVERY_MAX_S = 1.0

_log = logs.get()


async def beat_for_ever(store: Store, writes: Writes, settings: Settings) -> None:
    """On the loop that receives the agents' beats and through the writer that writes them: it proves both of them."""
    every_s = min(_EVERY_MAX_S, settings.heartbeat_interval_s)
    while True:
        try:
            if await asyncio.to_thread(_agents_are_there, store):
                await writes.outcome(BeatPath(), Done)
        except KuberkloneError as error:
            _log.warning("the path of the agents does not beat", error=str(error))
        await asyncio.sleep(every_s)


def _agents_are_there(store: Store) -> bool:
    """A look costs nothing; a beat nobody needs would sync the disk of a quiet cluster every second."""
    with store.snapshot() as connection:
        return agents.are_there(connection)
