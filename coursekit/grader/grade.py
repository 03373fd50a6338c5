"""`python -m coursekit grade SUBMISSIONS --out DIR`: grade a folder of submissions.

Each result is written as soon as it is known, so that `--resume` continues a run that was stopped.
The gradebook, the class page and the feedback are made of the results at the end.
"""

import os
import platform
import secrets
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version

from coursekit import __version__, report
from coursekit.course import taught_package
from coursekit.files import write_whole
from coursekit.grader import results
from coursekit.grader.engine import Engine, open_engine
from coursekit.grader.pristine import Pristine, choose, load_sets, manual_points
from coursekit.grader.results import Graded, ResultFiles, session_key
from coursekit.grader.workplace import open_workplace
from coursekit.report.deadlines import read_deadlines
from coursekit.report.manual import read_marks
from coursekit.report.model import (
    GradedSet,
    GradedTask,
    Session,
    read_session,
    written_session,
)
from coursekit.report.regrade_diff import regrade_diff
from coursekit.report.text import visible
from coursekit.sandbox import levels
from coursekit.sandbox.limits import Limits
from coursekit.submissions.intake import Entry, collect, readings, survey
from coursekit.submissions.reading import Reading

_PACKAGES = ("torch", "numpy", "nbval", "pytest", "ipykernel", "jupyter_client")


def run(options: Namespace) -> int:
    """Grade; the status is 0 if every submission has a row, whatever its points."""
    out, session = options.out, _session(options)
    everything = load_sets(options.sets)
    sets = choose(everything, options.set)
    given = {name: exercises.given for name, exercises in everything.items()}
    entries = [
        entry
        for entry in survey(collect(options.submissions), given)
        if entry.set is None or entry.set in sets
    ]
    if not entries:
        raise ValueError(
            f"there is nothing to grade in {options.submissions}: no notebook of {', '.join(sets)}"
        )
    session = replace(session, sets=_graded_sets(sets, entries))
    keys = {name: session_key(sets[name], session) for name in session.sets}
    read_deadlines(options.deadlines, session.sets)  # a fault in these shows before
    read_marks(out / "manual.csv")  # hours of grading, and before anything is written
    files = ResultFiles(out)
    old = [result.without_texts() for result in files] if options.regrade else []
    write_whole(out / "session.json", written_session(session))
    todo = [
        entry
        for entry in entries
        if options.regrade or not files.done(entry, keys.get(entry.set or "", ""))
    ]
    print(
        f"{len(entries)} submissions, {len(todo)} to grade; seed {session.seed}; isolation: "
        f"{session.isolation} ({session.isolation_says})",
        flush=True,
    )
    progress = _Progress(len(todo))
    for graded in _grade(options, sets, session, todo, progress):
        files.write(graded, keys.get(graded.entry.set or "", ""))
        progress.tell(graded)
    files.clear(entries)
    for trouble in report.write(out, iter(files), session, deadlines=options.deadlines):
        print(f"look at this: {trouble}")
    if options.regrade:
        for line in regrade_diff(old, (result.without_texts() for result in files)):
            print(line)
    print(f"{out / 'index.html'} is the page of the class; {out / 'grades.csv'} the gradebook")
    return 0


def _grade(
    options: Namespace,
    sets: Mapping[str, Pristine],
    session: Session,
    todo: list[Entry],
    progress: "_Progress",
) -> Iterator[Graded]:
    """Grade set by set; yield each result as soon as it is known."""
    yield from (results.unreadable(entry) for entry in todo if entry.set is None)
    with open_engine() as engine:
        for name in sorted({entry.set for entry in todo if entry.set}):
            print(f"{name}: finding out what is right, and proving the grader", flush=True)
            found = readings(entry for entry in todo if entry.set == name)
            yield from _grade_set(options, sets[name], session, engine, found, progress.start)


def _grade_set(
    options: Namespace,
    exercises: Pristine,
    session: Session,
    engine: Engine,
    found: Iterator[tuple[Entry, Reading]],
    ready: Callable[[], None],
) -> Iterator[Graded]:
    """Grade one set; no more submissions are in memory than are being graded."""
    limits = Limits.of(options.seconds)
    if options.scheduler:
        from coursekit.grader import cluster

        yield from cluster.grade(
            options.scheduler, exercises, session, limits, found, engine, options.unsafe
        )
        return
    with open_workplace(
        exercises,
        engine,
        level=session.isolation,
        seed=session.seed,
        jobs=options.jobs,
        threads=max(1, (os.cpu_count() or 1) // options.jobs),
        limits=limits,
    ) as (scorer, pool):
        ready()
        running: dict[Future[Graded], Entry] = {}
        try:
            for entry, reading in found:
                running[pool.submit(results.graded, scorer, entry, reading)] = entry
                if len(running) >= 2 * options.jobs:
                    yield from _finished(running, exercises)
            while running:
                yield from _finished(running, exercises)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _finished(running: dict[Future[Graded], Entry], exercises: Pristine) -> Iterator[Graded]:
    """Wait until a submission is graded; yield all that are."""
    for future in wait(running, return_when=FIRST_COMPLETED).done:
        entry = running.pop(future)
        try:
            yield future.result()
        except Exception as error:  # one submission's trouble is nobody else's
            yield results.failed(entry, exercises, error)


def _session(options: Namespace) -> Session:
    """Return the settings that all submissions share; raises ValueError for impossible ones."""
    if options.jobs < 1:
        raise ValueError(f"--jobs is {options.jobs}; at least 1 submission is graded at a time")
    if not 0.1 <= options.seconds <= 3600:
        raise ValueError(f"--seconds is {options.seconds:g}; it lies between 0.1 and 3600")
    if not options.submissions.is_dir():
        raise ValueError(f"there is no folder {options.submissions}")
    if options.out.exists() and not options.out.is_dir():
        raise ValueError(f"--out {options.out} is a file; name a folder")
    if options.out.resolve().is_relative_to(options.submissions.resolve()):
        raise ValueError(
            f"--out {options.out} lies in {options.submissions}, where its pages "
            "would be taken for a student's; name a folder elsewhere"
        )
    before = options.out / "session.json"
    if before.exists() and not (options.resume or options.regrade):
        raise ValueError(
            f"{options.out} holds grades already; --resume goes on, --regrade grades "
            "all anew, and another --out begins another gradebook"
        )
    seed = options.seed
    if seed is None:
        seed = read_session(before).seed if before.exists() else secrets.randbelow(10**9)
    if not 0 <= seed < 2**32:
        raise ValueError(f"--seed is {seed}; it is a whole number from 0 to {2**32 - 1}")
    level = options.isolation or levels.best()
    if not levels.works(level):
        raise ValueError(f"--isolation {level} does not work on this machine")
    if level == "plain" and not options.unsafe:
        raise ValueError(
            "this machine cannot shut in what students wrote: their code could read "
            "and change whatever you can. Install bubblewrap, use Linux or a "
            "container, or add --unsafe if you trust every submission"
        )
    return Session(
        seed=seed,
        isolation=level,
        isolation_says=levels.SAYS[level],
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        versions={
            "python": platform.python_version(),
            "coursekit": __version__,
            taught_package(): version(taught_package()),
            **{name: version(name) for name in _PACKAGES},
        },
    )


def _graded_sets(sets: Mapping[str, Pristine], entries: list[Entry]) -> dict[str, GradedSet]:
    """Return what the reports need to know of each set that was handed in."""
    return {
        name: GradedSet(
            sets[name].title,
            {
                task.id: GradedTask(
                    number=task.number,
                    title=task.title,
                    of=task.points - manual_points(task),
                    manual_of=manual_points(task),
                    given=sets[name].given.given(task.id),
                )
                for task in sets[name].exercises.tasks
            },
        )
        for name in sorted({entry.set for entry in entries if entry.set})
    }


class _Progress:
    """Prints a line per submission, with the time left; preparing a set is not counted."""

    def __init__(self, count: int) -> None:
        self.count, self.done, self.spent, self.last = count, 0, 0.0, time.monotonic()

    def start(self) -> None:
        """Begin to count: the set is prepared."""
        self.last = time.monotonic()

    def tell(self, graded: Graded) -> None:
        """Print the line of one more submission."""
        now = time.monotonic()
        self.done, self.spent, self.last = self.done + 1, self.spent + now - self.last, now
        left = self.spent / self.done * (self.count - self.done)
        rest = (
            f", about {left / 60:.0f} min left"
            if left > 90
            else (f", about {left:.0f} s left" if left > 1 else "")
        )
        entry, result = graded.entry, graded.result
        name = visible(f"{entry.student}, {entry.set or entry.path}")
        says = f"{result.points} of {result.of}" if entry.set else result.status
        print(f"{self.done} of {self.count}: {name}: {says}{rest}", flush=True)
