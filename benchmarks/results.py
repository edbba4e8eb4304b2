"""Medians of repetitions, kept in results.json and shown in results.md."""

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.measurement import Benchmark, Figure, Values

_FOLDER = Path(__file__).parent
JSON = _FOLDER / "results.json"
MARKDOWN = _FOLDER / "results.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One figure on one database over all repetitions."""

    benchmark: str
    figure: str
    dialect: str
    median: float
    least: float
    most: float
    repetitions: int
    raw: float | None
    """The raw driver's median in the same run."""
    durability: str
    machine: Mapping[str, str] = field(default_factory=dict)


def summarised(
    figure: Figure,
    measured: Sequence[Values],
    raw: Sequence[Values],
    *,
    benchmark: Benchmark,
    dialect: str,
    durability: str,
    machine: Mapping[str, str],
) -> Summary:
    values = [found[figure.name] for found in measured]
    yardstick = [found[figure.name] for found in raw if figure.name in found]
    return Summary(
        benchmark=benchmark.name,
        figure=figure.name,
        dialect=dialect,
        median=statistics.median(values),
        least=min(values),
        most=max(values),
        repetitions=len(values),
        raw=statistics.median(yardstick) if yardstick else None,
        durability=durability,
        machine=machine,
    )


def line(figure: Figure, summary: Summary) -> str:
    """One figure as it is printed while the benchmarks run."""
    number = f"{summary.median:,.{figure.decimals}f}"
    spread = f"{summary.least:,.{figure.decimals}f} to {summary.most:,.{figure.decimals}f}"
    verdict = _verdict(figure, summary)
    share = "" if summary.raw is None else f", {figure.share(summary.median, summary.raw):.0%} of the raw driver"
    return f"  {figure.name:34} {number:>10} {figure.unit} ({spread}){share}{f', {verdict}' if verdict else ''}"


def _verdict(figure: Figure, summary: Summary) -> str:
    target = figure.target_on(summary.dialect)
    if target is None:
        return ""
    sign = "≥" if figure.better == "more" else "≤"
    word = "reached" if figure.reaches(summary.median, target) else "MISSED"
    return f"{word}: {sign} {target:,g}"


def too_slow(figure: Figure, summary: Summary) -> str | None:
    """What `--check` complains about, or None."""
    if figure.share_min is None or summary.raw is None:
        return None
    share = figure.share(summary.median, summary.raw)
    if share >= figure.share_min:
        return None
    return (
        f"{summary.benchmark} on {summary.dialect}: {figure.name} is {share:.1%} of the raw driver's, "
        f"below the {figure.share_min:.0%} it has to keep "
        f"({summary.median:,.3g} against {summary.raw:,.3g} {figure.unit})"
    )


def save(summaries: Iterable[Summary], catalogue: Mapping[str, Benchmark]) -> None:
    """Put these in the place of older ones of the same figure and database, and render all there are."""
    kept = {_key(summary): summary for summary in (*_load(), *summaries)}
    ordered = [
        kept[key]
        for benchmark in catalogue.values()
        for figure in benchmark.figures
        for dialect in ("sqlite", "postgresql")
        if (key := (benchmark.name, figure.name, dialect)) in kept
    ]
    JSON.write_text(json.dumps([asdict(summary) for summary in ordered], indent=1, ensure_ascii=False) + "\n")
    MARKDOWN.write_text(_rendered(ordered, catalogue))


def _key(summary: Summary) -> tuple[str, str, str]:
    return summary.benchmark, summary.figure, summary.dialect


def _load() -> list[Summary]:
    return [Summary(**row) for row in json.loads(JSON.read_text())] if JSON.exists() else []


def _rendered(summaries: Sequence[Summary], catalogue: Mapping[str, Benchmark]) -> str:
    figures = {
        (benchmark.name, figure.name): figure for benchmark in catalogue.values() for figure in benchmark.figures
    }
    machines = list(dict.fromkeys(json.dumps(summary.machine, ensure_ascii=False) for summary in summaries))
    lines = [
        "# Figures",
        "",
        "Written by `make bench`; [README.md](README.md) says what each is and how to read it.",
        "",
    ]
    for number, machine in enumerate(machines, 1):
        words = "; ".join(f"{name} {value}" for name, value in json.loads(machine).items())
        lines.append(f"{number}. {words}")
    lines += [
        "",
        "| benchmark | figure | database | median | least to most | unit | target | of the raw driver | run |",
    ]
    lines += ["|---|---|---|--:|--:|---|---|--:|--:|"]
    for summary in summaries:
        figure = figures[summary.benchmark, summary.figure]
        numbers = [f"{value:,.{figure.decimals}f}" for value in (summary.median, summary.least, summary.most)]
        share = "" if summary.raw is None else f"{figure.share(summary.median, summary.raw):.0%}"
        run = machines.index(json.dumps(summary.machine, ensure_ascii=False)) + 1
        lines.append(
            f"| {summary.benchmark} | {figure.name} | {summary.dialect} | **{numbers[0]}** | "
            f"{numbers[1]} to {numbers[2]} | {figure.unit} | {_verdict(figure, summary)} | {share} | {run} |"
        )
    lines += ["", "Durability:", ""]
    lines += [f"- {dialect}: {durability}" for dialect, durability in _durabilities(summaries).items()]
    return "\n".join(lines) + "\n"


def _durabilities(summaries: Sequence[Summary]) -> dict[str, str]:
    return {summary.dialect: summary.durability for summary in summaries}
