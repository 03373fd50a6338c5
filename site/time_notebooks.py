"""Measure how long each lesson, and each exercise set with its answers, takes to run.

`.venv/bin/python site/time_notebooks.py [NAME ...]` runs each notebook once in a fresh kernel, as
`make build` does, writes nothing into it, and keeps the seconds in `site/timings.json`, one by one
as they come. Named notebooks, such as course/05_arl_fix, are measured anew; without a name all.
"""

import json
import os
import resource
import sys
from datetime import date
from pathlib import Path
from time import perf_counter

from pages.timings import RECORD

from coursekit.files import write_whole
from coursekit.source.execute import execute
from coursekit.source.pairs import read_source, sources
from resattn.bench import machine


def measure(source: Path) -> dict:
    """Seconds on the clock and of the processor, when and on what, and what ran beside it."""
    load, used, start = os.getloadavg()[0], _processor_seconds(), perf_counter()
    execute(read_source(source), source.parent)
    return {
        "seconds": round(perf_counter() - start, 1),
        "processor_seconds": round(_processor_seconds() - used, 1),
        "date": date.today().isoformat(),
        "machine": machine().rpartition(", ")[0],
        "load": round(load, 1),
    }


def _processor_seconds() -> float:
    """Of all kernels that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(names: list[str]) -> int:
    """Measure the named notebooks, or all."""
    root = Path(__file__).resolve().parents[1]
    os.chdir(root)
    chosen = [Path(f"{name}.py") for name in names] or sources(Path())
    for source in chosen:
        if source not in sources(Path()):
            print(
                f"{source} is no lesson and no solution; give course/05_arl_fix or the like",
                file=sys.stderr,
            )
            return 2
    for source in chosen:
        found = measure(source)
        record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
        record[source.with_suffix("").as_posix()] = found
        write_whole(RECORD, json.dumps(dict(sorted(record.items())), indent=1) + "\n")
        print(
            f"{source}: {found['seconds']} s, {found['processor_seconds']} s of the processor",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
