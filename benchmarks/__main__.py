"""Runs benchmarks and prints their figures: `python -m benchmarks [NAME...] [--check] [--profile]`."""

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import databases, machine, results
from benchmarks.catalogue import catalogue
from benchmarks.databases import DIALECTS, Databases
from benchmarks.measurement import Benchmark, Place
from benchmarks.programs import ROOT
from benchmarks.results import Summary

_REPETITIONS = 5
# Three show a fall as well as five do, and a check is run more often.
_REPETITIONS_CHECK = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the command line asks for."""

    benchmarks: list[Benchmark]
    dialects: list[str]
    repetitions: int
    check: bool
    profile: bool

    @property
    def saved(self) -> bool:
        """Whether this is a run whose figures are kept."""
        return self.repetitions >= _REPETITIONS and not self.check and not self.profile


def main() -> int:
    wanted = _wanted()
    on = machine.description()
    print("; ".join(f"{name} {value}" for name, value in on.items()), flush=True)
    summaries: list[Summary] = []
    failed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="kuberklone-benchmarks-") as folder:
        for dialect in wanted.dialects:
            with databases.running(dialect, Path(folder)) as all_databases:
                for benchmark in wanted.benchmarks:
                    try:
                        found = _run(benchmark, all_databases, wanted, on)
                    except subprocess.CalledProcessError as error:
                        # The others are still worth having; what went wrong was printed by the step itself.
                        failed.append(f"{benchmark.name} on {dialect} failed with exit code {error.returncode}")
                        continue
                    summaries += found
                    if wanted.saved:
                        results.save(found, catalogue())
    if wanted.saved:
        print(f"written to {results.MARKDOWN.relative_to(ROOT)}")
    complaints = failed + (_complaints(summaries) if wanted.check else [])
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


def _wanted() -> Wanted:
    known = catalogue()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(known)}; all if none is named")
    parser.add_argument("--database", choices=DIALECTS, help="only this one")
    parser.add_argument("--repetitions", type=int, help=f"{_REPETITIONS}; with --check {_REPETITIONS_CHECK}")
    parser.add_argument("--check", action="store_true", help="fail when a figure fell too far below the raw driver's")
    parser.add_argument("--profile", action="store_true", help="one repetition each; prints where the time goes")
    given = parser.parse_args()
    for name in given.names:
        if name not in known:
            parser.error(f"there is no benchmark {name}; there are {', '.join(known)}")
    benchmarks = [known[name] for name in given.names or known]
    return Wanted(
        # A check needs only what has a share to keep.
        benchmarks=[each for each in benchmarks if each.raw is not None] if given.check else benchmarks,
        dialects=[given.database] if given.database else list(DIALECTS),
        repetitions=1 if given.profile else given.repetitions or (_REPETITIONS_CHECK if given.check else _REPETITIONS),
        check=given.check,
        profile=given.profile,
    )


def _run(benchmark: Benchmark, on: Databases, wanted: Wanted, described: dict[str, str]) -> list[Summary]:
    template = on.empty()
    print(f"{benchmark.name} on {template.dialect} ({on.durability}): {benchmark.title}", flush=True)
    _step("prepare", benchmark, template)
    measured, raw = [], []
    for _ in range(wanted.repetitions):
        measured.append(_on_a_copy("measure", benchmark, template, on, profile=wanted.profile))
        # In turn with ours, so that both meet the same neighbours on the machine.
        if benchmark.raw is not None:
            raw.append(_on_a_copy("raw", benchmark, template, on))
    on.drop(template)
    summaries = []
    for figure in benchmark.figures:
        summary = results.summarised(
            figure,
            measured,
            raw,
            benchmark=benchmark,
            dialect=template.dialect,
            durability=on.durability,
            machine=described,
        )
        print(results.line(figure, summary), flush=True)
        summaries.append(summary)
    return summaries


def _on_a_copy(
    step: str, benchmark: Benchmark, template: Place, on: Databases, *, profile: bool = False
) -> dict[str, float]:
    place = on.copy(template)
    try:
        if not profile:
            return _step(step, benchmark, place)
        reports = place.folder / "profiles"
        reports.mkdir()
        values = _step(step, benchmark, replace(place, profile=reports))
        for report in sorted(reports.iterdir()):
            print(f"--- {report.name}{report.read_text()}")
        return values
    finally:
        on.drop(place)


def _step(step: str, benchmark: Benchmark, place: Place) -> dict[str, float]:
    """One step in a fresh process; what it says on standard error is shown."""
    command = [sys.executable, "-m", "benchmarks.alone", step, benchmark.name, place.url, str(place.folder)]
    if place.profile is not None:
        command.append(str(place.profile))
    answer = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    values: dict[str, float] = json.loads(answer.splitlines()[-1])
    return values


def _complaints(summaries: list[Summary]) -> list[str]:
    known = catalogue()
    return [
        complaint
        for summary in summaries
        for figure in known[summary.benchmark].figures
        if figure.name == summary.figure and (complaint := results.too_slow(figure, summary)) is not None
    ]


if __name__ == "__main__":
    sys.exit(main())
