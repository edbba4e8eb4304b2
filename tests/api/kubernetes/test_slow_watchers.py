"""Who does not read what it is sent is cut off; everybody else gets everything, and nobody waits."""

import socket
from contextlib import closing

from kuberklone.api.kubernetes import watcher
from tests import waiting
from tests.api.kubernetes.client import CONFIG_MAPS, config_map
from tests.api.kubernetes.watches import ARRIVAL_S, watching
from tests.api.running import Api

_BYTES = 900_000


def open_watches(api: Api) -> float:
    lines = api.http.get("/metrics").text.splitlines()
    return float(next(line for line in lines if line.startswith("kuberklone_api_watches ")).split()[1])


def deaf(api: Api) -> socket.socket:
    """A watch whose client never reads."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.connect(("127.0.0.1", api.port))
    made.sendall(f"GET {CONFIG_MAPS}?watch=true HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return made


def test_a_watcher_that_does_not_read_is_cut_off_and_the_others_hear_everything(api: Api) -> None:
    count = watcher.QUEUED_BYTES_MAX // _BYTES + 10
    with closing(deaf(api)), watching(api, CONFIG_MAPS) as good:
        waiting.until(lambda: open_watches(api) == 2, within_s=ARRIVAL_S, what="both watch")
        for number in range(count):
            api.post(CONFIG_MAPS, {**config_map(f"large-{number}"), "data": {"text": "x" * _BYTES}})
        good.first(count)
        waiting.until(lambda: open_watches(api) == 1, within_s=ARRIVAL_S, what="the deaf one is cut off")
        # The other one is still there.
        api.post(CONFIG_MAPS, config_map("last"))
        assert good.first(count + 1)[-1]["object"]["metadata"]["name"] == "last"


def test_a_client_that_leaves_is_forgotten_while_nothing_happens(api: Api) -> None:
    with closing(deaf(api)):
        waiting.until(lambda: open_watches(api) == 1, within_s=ARRIVAL_S, what="it watches")
    waiting.until(lambda: open_watches(api) == 0, within_s=ARRIVAL_S, what="it is gone")
