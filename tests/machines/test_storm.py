"""Everything at once: nodes killed, frozen, cut off, removed, processes killed, the engine hung, in a drawn order."""

import os
import signal

import pytest

from kuberklone.chance import Chance
from tests.machines.cluster import Cluster
from tests.machines.engine_proxy import EngineProxy, Mode

pytestmark = [pytest.mark.process, pytest.mark.timeout(600)]

PODS = 6
BLOWS = 10
SEED = "KUBERKLONE_TEST_STORM_SEED"


class Storm:
    """Draws what happens next from a seed that a failure prints."""

    def __init__(self, cluster: Cluster, proxy: EngineProxy, seed: int) -> None:
        self._cluster = cluster
        self._proxy = proxy
        self._chance = Chance(seed)
        self.log: list[str] = []

    def blow(self) -> None:
        blows = [self._kill, self._stop, self._freeze, self._thaw, self._remove, self._cut, self._hang, self._break,
                 self._kill_a_process]  # fmt: skip
        blow = blows[self._chance.seed() % len(blows)]
        node = f"node-{1 + self._chance.seed() % 3}"
        self.log.append(f"{blow.__name__.lstrip('_')} {node}")
        blow(node)

    def calm(self) -> None:
        self._proxy.mode = Mode.WELL
        for number in (1, 2, 3):
            self._thaw(f"node-{number}")
            self._docker("network", "connect", f"kuberklone-{self._cluster.id}", f"node-{number}")

    def _docker(self, *arguments: str) -> None:
        """On a machine that may be in any state, or gone: what cannot be done to it now is not done."""
        *rest, node = arguments
        self._cluster.docker(*rest, self._cluster.machine(node), check=False)

    def _kill(self, node: str) -> None:
        self._docker("kill", node)

    def _stop(self, node: str) -> None:
        self._docker("stop", "--time", "0", node)

    def _freeze(self, node: str) -> None:
        self._docker("pause", node)

    def _thaw(self, node: str) -> None:
        self._docker("unpause", node)

    def _remove(self, node: str) -> None:
        self._docker("rm", "--force", node)

    def _cut(self, node: str) -> None:
        self._docker("network", "disconnect", f"kuberklone-{self._cluster.id}", node)

    def _hang(self, _node: str) -> None:
        self._proxy.mode = Mode.HUNG if self._proxy.mode is Mode.WELL else Mode.WELL

    def _break(self, _node: str) -> None:
        self._proxy.mode = Mode.BROKEN if self._proxy.mode is Mode.WELL else Mode.WELL

    def _kill_a_process(self, _node: str) -> None:
        children = self._cluster.up.children()
        children[self._chance.seed() % len(children)].send_signal(signal.SIGKILL)


def test_a_storm_leaves_everything_as_it_should_be(cluster: Cluster, proxy: EngineProxy, image: str) -> None:
    body = {"cpus": 0.2, "name": "work", "count": PODS, "image": image, "command": ["sleep", "100000"]}
    names = {pod["name"] for pod in cluster.ask("POST", "/add_pod", body)["items"]}
    cluster.converge()
    seed = int(os.environ.get(SEED) or Chance().seed())
    storm = Storm(cluster, proxy, seed)
    for _ in range(BLOWS):
        before = _beats(cluster)
        storm.blow()
        _until_heard(cluster, before + 2, what=f"{SEED}={seed}: {storm.log}")
    storm.calm()
    cluster.until_converged(within_s=240, said=f"calm after the storm; {SEED}={seed}: {storm.log}")
    cluster.check()
    assert set(cluster.pods()) == names


def _until_heard(cluster: Cluster, beats: int, *, what: str) -> None:
    """The next blow comes when somebody was heard twice: time passes by what the cluster does, not by our clock."""
    cluster.until(lambda: _beats(cluster) >= beats, f"somebody is heard; {what}")


def _beats(cluster: Cluster) -> int:
    """Beats of the paths themselves: the API's goes on as long as there is an API."""
    beats: int = cluster.sql("SELECT SUM(beat) AS beats FROM reporting_paths")[0].beats
    return beats
