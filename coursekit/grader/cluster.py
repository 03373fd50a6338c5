"""Grade on the workers of a Dask scheduler: `python -m coursekit grade ... --scheduler ADDRESS`.

Each worker opens a place of its own to grade in, proves it against the references that the grader
found, and keeps it. Workers need this package at the same versions; they need no files of ours. If
one is lost, its submissions go to another, and each gets one result all the same.
"""

import atexit
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from coursekit.grader import engine, pristine, references, results, workplace
from coursekit.grader.engine import Engine
from coursekit.grader.pristine import Pristine
from coursekit.grader.results import Graded
from coursekit.grader.scoring import Judge
from coursekit.report.model import Session
from coursekit.sandbox import levels
from coursekit.sandbox.limits import Limits
from coursekit.submissions.intake import Entry
from coursekit.submissions.reading import Reading

WAIT = 20  # seconds for the scheduler to have a worker

_places: dict[str, Judge] = {}
_lock, _open = threading.Lock(), ExitStack()


def grade(
    address: str,
    exercises: Pristine,
    session: Session,
    limits: Limits,
    handed: Iterator[tuple[Entry, Reading]],
    judges: Engine,
    unsafe: bool,
) -> Iterator[Graded]:
    """Results as they come. Begins by ValueError without Dask, RuntimeError without workers."""
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise ValueError("--scheduler needs Dask: pip install 'coursekit[cluster]'") from None
    try:
        client = Client(address, timeout=WAIT, set_as_default=False)
        client.wait_for_workers(1, timeout=WAIT)
    except (OSError, TimeoutError) as error:
        raise RuntimeError(
            f"no Dask workers at {address}: {error}; is the scheduler running, and "
            "does it have workers?"
        ) from None
    with client:
        with workplace.opened(
            exercises,
            judges,
            level=session.isolation,
            seed=session.seed,
            jobs=1,
            threads=1,
            limits=limits,
        ) as (judge, _):
            reference = judge.reference
        source = exercises.exercises.path
        place = {
            "name": source.name,
            "source": source.read_text(encoding="utf-8"),
            "answers": source.with_suffix(".toml").read_text(encoding="utf-8"),
            "right": dict(reference.right),
            "tasks": dict(reference.tasks),
            "seed": session.seed,
            "limits": limits.as_json(),
            "unsafe": unsafe,
            "started": session.started,
        }
        shared = client.scatter(place, broadcast=True, hash=False)
        slots = 2 * sum(client.nthreads().values())
        running = as_completed(loop=client.loop)

        def send() -> None:
            for entry, reading in handed:
                running.add(client.submit(_grade, shared, entry, reading, pure=False))
                return

        for _ in range(slots):
            send()
        for future in running:
            yield future.result()
            send()


def _grade(place: dict, entry: Entry, reading: Reading) -> Graded:
    """On a worker: grade one submission."""
    judge = _place(place)
    try:
        return results.graded(judge, entry, reading)
    except Exception as error:  # one submission's trouble is nobody else's
        return results.failed(entry, judge.pristine, error)


def _place(place: dict) -> Judge:
    """This worker's own place, opened at the first submission and kept."""
    key = f"{place['name']} {place['seed']} {place['started']}"
    with _lock:
        if key not in _places:
            level = levels.best()
            if level == "plain" and not place["unsafe"]:
                raise RuntimeError("a worker cannot shut in what students wrote; see --unsafe")
            if not _places:
                atexit.register(_open.close)
            folder = Path(_open.enter_context(tempfile.TemporaryDirectory())) / "solutions"
            folder.mkdir()
            source = folder / place["name"]
            source.write_text(place["source"], encoding="utf-8")
            source.with_suffix(".toml").write_text(place["answers"], encoding="utf-8")
            judges = _open.enter_context(engine.opened())
            judge, _ = _open.enter_context(
                workplace.opened(
                    pristine.read(source),
                    judges,
                    level=level,
                    seed=place["seed"],
                    jobs=1,
                    threads=1,
                    limits=Limits(**place["limits"]),
                    reference=references.Reference(place["right"], place["tasks"]),
                )
            )
            _places[key] = judge
        return _places[key]
