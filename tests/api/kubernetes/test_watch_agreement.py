"""Any watch, taken up at any revision and under any selector, tells exactly what became of what it selects.

A model remembers every change that was made. Watches are opened at random moments, from now on or from any earlier
revision; each must have told, in order, the changes of the model seen through its selector: none missing, none twice.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from tests.api.kubernetes.client import CONFIG_MAPS, config_map, patched
from tests.api.kubernetes.watches import Watch, told, watching
from tests.api.running import Api, running

ALL = "/api/v1/configmaps"
Labels = Mapping[str, str]
SELECTORS: dict[str, Callable[[Labels], bool]] = {
    "": lambda labels: True,
    "app=web": lambda labels: labels.get("app") == "web",
    "app!=web": lambda labels: labels.get("app") != "web",
    "app in (web,db),tier": lambda labels: labels.get("app") in ("web", "db") and "tier" in labels,
    "!tier": lambda labels: "tier" not in labels,
}
NAMES = st.sampled_from("abc")
LABELS = st.fixed_dictionaries({}, optional={"app": st.sampled_from(["web", "db"]), "tier": st.just("front")})


@dataclass(frozen=True, kw_only=True)
class Happened:
    name: str
    before: Labels | None
    """None: it was not there."""
    after: Labels | None


@dataclass(kw_only=True)
class Looker:
    watch: Watch
    selects: Callable[[Labels], bool]
    name: str | None
    since: int
    """How many changes had happened when it was opened; for one with a beginning, those are not told."""
    there: list[tuple[str, str]] = field(default_factory=list)
    """What it is told first."""

    def expected(self, history: list[Happened]) -> list[tuple[str, str]]:
        found = list(self.there)
        for change in history[self.since :]:
            if self.name is not None and change.name != self.name:
                continue
            was_in = change.before is not None and self.selects(change.before)
            is_in = change.after is not None and self.selects(change.after)
            if is_in:
                found.append(("MODIFIED" if was_in else "ADDED", change.name))
            elif was_in:
                found.append(("DELETED", change.name))
        return found


class WatchMachine(RuleBasedStateMachine):
    api: Api

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.there: dict[str, dict[str, str]] = {}
        self.history: list[Happened] = []
        self.revisions: list[str] = []
        """`revisions[n]` is the list's after n changes."""
        self.lookers: list[Looker] = []

    @initialize()
    def begin(self) -> None:
        self.api.http.delete(CONFIG_MAPS)
        self.revisions = [self._head()]

    def _head(self) -> str:
        return str(self.api.get(CONFIG_MAPS)["metadata"]["resourceVersion"])

    def _note(self, name: str, before: Labels | None, after: Labels | None) -> None:
        self.history.append(Happened(name=name, before=before, after=after))
        self.revisions.append(self._head())

    @rule(name=NAMES, labels=LABELS, color=st.sampled_from(["red", "green"]))
    def write(self, name: str, labels: dict[str, str], color: str) -> None:
        before = self.there.get(name)
        if before is None:
            self.api.post(CONFIG_MAPS, {**config_map(name, labels=labels), "data": {"colour": color}})
            self._note(name, None, labels)
        else:
            old = self.api.get(f"{CONFIG_MAPS}/{name}")
            gone = dict.fromkeys(before.keys() - labels.keys())
            patch = {"metadata": {"labels": {**labels, **gone}}, "data": {"colour": color}}
            new = patched(self.api, f"{CONFIG_MAPS}/{name}", patch).json()
            if new["metadata"]["resourceVersion"] != old["metadata"]["resourceVersion"]:
                self._note(name, before, labels)
        self.there[name] = labels

    @precondition(lambda self: self.there)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.there)))
        assert self.api.http.delete(f"{CONFIG_MAPS}/{name}").status_code == 200
        self._note(name, self.there.pop(name), None)

    @precondition(lambda self: len(self.lookers) < 6)
    @rule(selector=st.sampled_from(sorted(SELECTORS)), name=st.none() | NAMES, path=st.sampled_from([ALL, CONFIG_MAPS]))
    def look_from_now(self, selector: str, name: str | None, path: str) -> None:
        selects = SELECTORS[selector]
        there = [
            ("ADDED", each) for each, labels in sorted(self.there.items()) if selects(labels) and name in (None, each)
        ]
        self._open(path, selector, name, since=len(self.history), there=there)

    @precondition(lambda self: len(self.lookers) < 6)
    @rule(selector=st.sampled_from(sorted(SELECTORS)), name=st.none() | NAMES, data=st.data())
    def look_from_then(self, selector: str, name: str | None, data: st.DataObject) -> None:
        since = data.draw(st.integers(0, len(self.history)))
        self._open(CONFIG_MAPS, selector, name, since=since, resourceVersion=self.revisions[since])

    def _open(
        self,
        path: str,
        selector: str,
        name: str | None,
        *,
        since: int,
        there: list[tuple[str, str]] | None = None,
        **query: str,
    ) -> None:
        fields = {} if name is None else {"fieldSelector": f"metadata.name={name}"}
        watch = self.stack.enter_context(watching(self.api, path, labelSelector=selector, **fields, **query))
        self.lookers.append(Looker(watch=watch, selects=SELECTORS[selector], name=name, since=since, there=there or []))

    @precondition(lambda self: self.lookers)
    @rule(data=st.data())
    def hang_up(self, data: st.DataObject) -> None:
        looker = data.draw(st.sampled_from(self.lookers))
        self._check(looker)
        looker.watch.hang_up()
        self.lookers.remove(looker)

    def _check(self, looker: Looker) -> None:
        expected = looker.expected(self.history)
        assert told(looker.watch.first(len(expected))) == expected

    def teardown(self) -> None:
        try:
            # One more change that everybody is told, so that what was told too often would show before it.
            for name in "abc":
                self.write(name, {"app": "db", "tier": "front"}, "blue")
                self.write(name, {"app": "web"}, "blue")
            for looker in self.lookers:
                self._check(looker)
                assert len(looker.watch.events) == len(looker.expected(self.history))
        finally:
            self.stack.close()


def test_any_watch_tells_exactly_what_became_of_what_it_selects(migrated_url: str, tmp_path: Path) -> None:
    with running(migrated_url, tmp_path) as api:
        machine = type("WatchMachineOfOneApi", (WatchMachine,), {"api": api})
        run_state_machine_as_test(machine, settings=settings(max_examples=10, stateful_step_count=15, deadline=None))


pytestmark = pytest.mark.timeout(120)
