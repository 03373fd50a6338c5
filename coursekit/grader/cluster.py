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
from dataclasses import dataclass
from pathlib import Path

from coursekit.grader import pristine, results
from coursekit.grader.engine import Engine, open_engine
from coursekit.grader.pristine import Pristine
from coursekit.grader.references import Reference
from coursekit.grader.results import Graded
from coursekit.grader.scoring import Scorer
from coursekit.grader.workplace import open_workplace
from coursekit.report.model import Session
from coursekit.sandbox import levels
from coursekit.sandbox.limits import Limits
from coursekit.submissions.intake import Entry
from coursekit.submissions.reading import Reading

WAIT = 60  # seconds for the scheduler to have a worker

_scorers: dict[str, Scorer] = {}
_lock, _open = threading.Lock(), ExitStack()


@dataclass(frozen=True)
class Assignment:
    """All that a worker needs to grade one set: its files, what is right, and the settings.

    ``source`` and ``answers`` are the texts of the set's two files, ``name`` is that of the first.
    """

    name: str
    source: str
    answers: str
    reference: Reference
    seed: int
    started: str
    limits: Limits
    unsafe: bool

    @property
    def key(self) -> str:
        """Set and session in one word: a worker keeps one scorer for each."""
        return f"{self.name} {self.seed} {self.started}"


def grade(
    address: str,
    exercises: Pristine,
    session: Session,
    limits: Limits,
    readings: Iterator[tuple[Entry, Reading]],
    engine: Engine,
    unsafe: bool,
) -> Iterator[Graded]:
    """Yield results as they come.

    Raises:
        ValueError: without Dask.
        RuntimeError: without workers.
    """
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
        with open_workplace(
            exercises,
            engine,
            level=session.isolation,
            seed=session.seed,
            jobs=1,
            threads=1,
            limits=limits,
        ) as (scorer, _):
            reference = scorer.reference
        source = exercises.exercises.path
        assignment = Assignment(
            name=source.name,
            source=source.read_text(encoding="utf-8"),
            answers=source.with_suffix(".toml").read_text(encoding="utf-8"),
            reference=reference,
            seed=session.seed,
            started=session.started,
            limits=limits,
            unsafe=unsafe,
        )
        shared = client.scatter(assignment, broadcast=True, hash=False)
        running = as_completed(loop=client.loop)

        def send() -> None:
            for entry, reading in readings:
                running.add(client.submit(_grade, shared, entry, reading, pure=False))
                return

        for _ in range(2 * sum(client.nthreads().values())):
            send()
        for future in running:
            yield future.result()
            send()


def _grade(assignment: Assignment, entry: Entry, reading: Reading) -> Graded:
    """Grade one submission, on a worker."""
    scorer = _scorer(assignment)
    try:
        return results.graded(scorer, entry, reading)
    except Exception as error:  # one submission's trouble is nobody else's
        return results.failed(entry, scorer.pristine, error)


def _scorer(assignment: Assignment) -> Scorer:
    """Return this worker's own scorer, opened at the first submission and kept."""
    with _lock:
        if assignment.key not in _scorers:
            level = levels.best()
            if level == "plain" and not assignment.unsafe:
                raise RuntimeError("a worker cannot shut in what students wrote; see --unsafe")
            if not _scorers:
                atexit.register(_open.close)
            folder = Path(_open.enter_context(tempfile.TemporaryDirectory())) / "solutions"
            folder.mkdir()
            source = folder / assignment.name
            source.write_text(assignment.source, encoding="utf-8")
            source.with_suffix(".toml").write_text(assignment.answers, encoding="utf-8")
            scorer, _ = _open.enter_context(
                open_workplace(
                    pristine.read(source),
                    _open.enter_context(open_engine()),
                    level=level,
                    seed=assignment.seed,
                    jobs=1,
                    threads=1,
                    limits=assignment.limits,
                    reference=assignment.reference,
                )
            )
            _scorers[assignment.key] = scorer
        return _scorers[assignment.key]
