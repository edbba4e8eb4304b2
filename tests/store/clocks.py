"""A clock that a test moves by hand."""


class HandClock:
    """Both kinds of time, standing still until they are moved."""

    def __init__(self, *, wall_ms: int = 1_800_000_000_000, monotonic: float = 1000.0) -> None:
        self._wall_ms = wall_ms
        self._monotonic = monotonic

    def wall_ms(self) -> int:
        return self._wall_ms

    def monotonic(self) -> float:
        return self._monotonic

    def pass_s(self, seconds: float) -> None:
        """Let both clocks go on."""
        self._monotonic += seconds
        self._wall_ms += round(seconds * 1000)

    def set_wall_ms(self, wall_ms: int) -> None:
        """Somebody corrects the machine's clock."""
        self._wall_ms = wall_ms
