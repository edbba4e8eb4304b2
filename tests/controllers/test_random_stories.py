"""Seeded random courses of events on virtual time: whatever happened, all is in the end as it is wanted to be."""

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from kuberklone.chance import Chance
from kuberklone.errors import KuberkloneError
from tests.controllers.conftest import StartLoops
from tests.controllers.loops import NAMES, Loops
from tests.faults import oracles, witnesses

_STEPS = 25
# The longest back-off, a probe of a path that is halted, and everybody's grace after it.
_HEALED_WITHIN_S = 120
_STORIES = int(os.environ.get("TEST_STORIES") or 2)
_SEED = "TEST_SEED"
"""Environment variable that repeats the stories of an earlier run."""


class _Story:
    def __init__(self, loops: Loops, seed: int) -> None:
        self.loops = loops
        self.chance = Chance(seed)
        self.told: list[str] = []
        self.dead: set[str] = set()
        self.numbers = 0

    def one_of(self, things: Sequence[Any]) -> Any:
        return things[self.chance.seed() % len(things)]

    def a_node(self) -> str:
        return str(self.one_of(sorted(self.loops.node_names()) or ["nobody"]))

    def step(self) -> None:
        happen: Callable[[], str] = self.one_of(
            [self.add, self.add, self.delete, self.fail, self.fail, self.heal, self.heal, self.restart, self.replace,
             self.kill, self.revive, self.revive, self.sleep]
        )  # fmt: skip
        try:
            self.told.append(happen())
        except KuberkloneError as error:
            self.told.append(f"{happen.__name__} was refused: {error}")
        seconds = self.chance.jitter(below=self.one_of([0.5, 2, 8, 30]))
        self.told.append(f"{seconds:.3f} s pass")
        self.loops.pass_s(seconds)

    def add(self) -> str:
        self.numbers += 1
        wanted = {
            "cpus": self.one_of([0.1, 0.5, 1]),
            "count": self.one_of([1, 2, 3]),
            "start_delay_seconds": self.one_of([0, 0, 2]),
            "run_seconds": self.one_of([None, None, 1, 10]),
        }
        self.loops.add_pods(name=f"p{self.numbers}", **wanted)
        return f"add {wanted}"

    def delete(self) -> str:
        found = self.loops.sql("SELECT name FROM pods ORDER BY name")
        if not found:
            return "nothing to delete"
        (name,) = self.one_of(found)
        self.loops.delete_pod(name)
        return f"delete {name}"

    def fail(self) -> str:
        name, kind = self.a_node(), self.one_of(["crash", "freeze", "partition", "slow"])
        restart = bool(self.one_of([True, True, False]))
        self.loops.fail(name, kind, restart=restart)
        return f"{kind} {name} restart={restart}"

    def heal(self) -> str:
        name = self.a_node()
        self.loops.heal(name)
        return f"heal {name}"

    def restart(self) -> str:
        name = self.a_node()
        self.loops.restart_node(name)
        return f"restart {name}"

    def replace(self) -> str:
        name = self.a_node()
        self.numbers += 1
        self.loops.add_node(f"n{self.numbers}")
        self.loops.delete_node(name)
        return f"n{self.numbers} instead of {name}"

    def kill(self) -> str:
        name = str(self.one_of([name for name in NAMES if name not in self.dead] or [NAMES[0]]))
        if name in self.dead:
            return "all are dead"
        self.loops.kill(name)
        self.dead.add(name)
        return f"kill {name}"

    def revive(self) -> str:
        if not self.dead:
            return "all live"
        name = str(self.one_of(sorted(self.dead)))
        self.loops.start(name)
        self.dead.remove(name)
        return f"start {name}"

    def sleep(self) -> str:
        self.loops.sleep_s(600)
        return "sleep"

    def end_well(self) -> None:
        """Everybody lives, nothing is broken, there is room for all; and some time passes."""
        for name in sorted(self.dead):
            self.loops.start(name)
        for (name,) in self.loops.sql(
            "SELECT n.name FROM nodes n JOIN faults f ON f.node_uid = n.uid WHERE n.deleting_ms IS NULL"
        ):
            self.loops.heal(name)
        self.loops.add_node("large", cpus=64)
        self.loops.pass_s(_HEALED_WITHIN_S)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("number", range(_STORIES))
def test_after_any_course_of_events_all_is_as_it_should_be(start_loops: StartLoops, number: int) -> None:
    # Not a parameter: the workers of one run must agree on what there is to test.
    seed = int(os.environ.get(_SEED) or Chance().seed() % 10**6) + number
    sys.stdout.write(f"seed {seed}: repeat it with {_SEED}={seed} as the first story\n")
    loops = start_loops(restart_backoff_s=5.0, restart_limit=2)
    witnesses.watch_for_twins(loops.store)
    loops.add_nodes(3)
    story = _Story(loops, seed)
    for _ in range(_STEPS):
        story.step()
    story.end_well()
    with loops.store.snapshot() as connection:
        wrong = [*oracles.unconverged(connection), *oracles.drifted_sums(connection)]
        wrong += oracles.overfull_nodes(oracles.log(connection))
    assert wrong == [], "\n".join(story.told)
    witnesses.check_for_twins(loops.store)
    assert loops.errors == []
