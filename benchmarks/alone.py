"""One step of one benchmark in a process of its own: `python -m benchmarks.alone STEP NAME URL FOLDER [PROFILE]`.

Prints the figures as one line of JSON. A fresh process for each step keeps one measurement's caches, garbage and
threads out of the next.
"""

import json
import os
import sys
from pathlib import Path

# As `kuberklone up` does for its children: numpy's linear algebra would start a thread per processor.
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"


def main() -> None:
    from benchmarks import profiles
    from benchmarks.catalogue import catalogue
    from benchmarks.measurement import Place

    step, name, url, folder, *rest = sys.argv[1:]
    place = Place(url=url, folder=Path(folder), profile=Path(rest[0]) if rest else None)
    benchmark = catalogue()[name]
    if step == "prepare":
        from kuberklone.store import migrate

        migrate.upgrade(url)
        benchmark.prepare(place)
        values = {}
    elif step == "raw":
        assert benchmark.raw is not None, "asked only of those that have it"
        values = dict(benchmark.raw(place))
    elif place.profile is None:
        values = dict(benchmark.measure(place))
    else:
        with profiles.recorded(place.profile / "measuring process"):
            values = dict(benchmark.measure(place))
    print(json.dumps(values))


if __name__ == "__main__":
    main()
