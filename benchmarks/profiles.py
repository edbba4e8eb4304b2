"""Where the time goes: records every thread of a process, and prints the functions that took most of it.

Also a program: `python -m benchmarks.profiles FILE ARGUMENTS...` runs `kuberklone ARGUMENTS...` and records it.
"""

import cProfile
import io
import pstats
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FUNCTIONS = 25


@contextmanager
def recorded(file: Path) -> Iterator[None]:
    """Record the block, this thread's and every thread's that begins in it; the report is written to `file`."""
    recordings: list[tuple[str, cProfile.Profile]] = []
    run = threading.Thread.run

    def recorded_run(thread: threading.Thread) -> None:
        recording = cProfile.Profile()
        recordings.append((thread.name, recording))
        recording.runcall(run, thread)

    threading.Thread.run = recorded_run  # type: ignore[method-assign,assignment]
    own = cProfile.Profile()
    recordings.append((threading.current_thread().name, own))
    try:
        own.enable()
        yield
    finally:
        own.disable()
        threading.Thread.run = run  # type: ignore[method-assign]
        file.write_text("".join(_report(name, recording) for name, recording in recordings))


def _report(name: str, recording: cProfile.Profile) -> str:
    output = io.StringIO()
    try:
        statistics = pstats.Stats(recording, stream=output)
    except TypeError:
        return f"\nthread {name}: nothing was recorded\n"
    statistics.sort_stats("tottime").print_stats(_FUNCTIONS)
    return f"\nthread {name}\n{output.getvalue()}"


def main() -> None:
    file, *arguments = sys.argv[1:]
    from kuberklone.cli import main as kuberklone
    from kuberklone.cli import programs

    programs.import_all(without=[])  # importing takes seconds under a profiler and is not what is asked
    sys.argv = ["kuberklone", *arguments]
    with recorded(Path(file)):
        kuberklone()


if __name__ == "__main__":
    main()
