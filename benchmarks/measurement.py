"""What a benchmark is: the figures it gives, how its database is prepared, the measurement and the raw driver's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Values = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one repetition runs: a database of its own and a folder of its own."""

    url: str
    folder: Path
    profile: Path | None = None
    """Where processes that are started write their profiles; None: they are not profiled."""

    @property
    def dialect(self) -> Literal["sqlite", "postgresql"]:
        return "sqlite" if self.url.startswith("sqlite") else "postgresql"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number that a benchmark gives."""

    name: str
    unit: str
    better: Literal["more", "less"]
    target: float | None = None
    """What is promised on SQLite with full durability; on Postgres the aim is half of it. None: reported only."""
    share_min: float | None = None
    """`make bench-check` fails when the figure is a smaller share of the raw driver's."""
    decimals: int = 0

    def target_on(self, dialect: str) -> float | None:
        if self.target is None or dialect == "sqlite":
            return self.target
        return self.target / 2 if self.better == "more" else self.target * 2

    def share(self, value: float, raw: float) -> float:
        """1.0: as good as the raw driver; 0.5: half as fast or twice as slow."""
        if self.better == "more":
            return value / raw
        return raw / value if value > 0 else 1.0

    def reaches(self, value: float, target: float) -> bool:
        return value >= target if self.better == "more" else value <= target


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """One measurement. Each function runs in a fresh process; `prepare` once, the others in every repetition."""

    name: str
    title: str
    figures: tuple[Figure, ...]
    prepare: Callable[[Place], None]
    """Fills an empty, migrated database, which every repetition gets a copy of."""
    measure: Callable[[Place], Values]
    raw: Callable[[Place], Values] | None = None
    """The same row writes by the driver alone; gives those of the figures that have a share to keep."""
