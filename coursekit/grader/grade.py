"""`python -m coursekit grade SUBMISSIONS --out DIR`: grade a folder of submissions.

Each result is written as it comes; a run that was stopped goes on with --resume. From the results
come the gradebook, the class page and the feedback.
"""

import contextlib
import json
import os
import platform
import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from coursekit import __version__, report
from coursekit.course import taught_package
from coursekit.files import write_whole
from coursekit.grader import engine, results, workplace
from coursekit.grader.engine import Engine
from coursekit.grader.pristine import Pristine
from coursekit.grader.results import Results
from coursekit.grader.sets import fingerprint, load
from coursekit.report import deadlines, manual
from coursekit.report.text import visible
from coursekit.sandbox import levels
from coursekit.sandbox.limits import Limits
from coursekit.submissions.collect import collect
from coursekit.submissions.reading import Reading
from coursekit.submissions.survey import Entry, contents, survey

_PACKAGES = ("torch", "numpy", "nbval", "pytest", "ipykernel", "jupyter_client")


def run(options) -> int:
    """Grade; the status is 0 if every submission has a row, whatever its points."""
    out, session = options.out, _session(options)
    sets = load(options.sets, options.set)
    everything = load(options.sets, None)
    entries = [
        entry
        for entry in survey(
            collect(options.submissions), {name: each.given for name, each in everything.items()}
        )
        if entry.set is None or entry.set in sets
    ]
    if not entries:
        raise ValueError(
            f"there is nothing to grade in {options.submissions}: no notebook of {', '.join(sets)}"
        )
    session["sets"] = {
        name: _described(sets[name])
        for name in sorted({entry.set for entry in entries if entry.set})
    }
    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / "session.json", json.dumps(session, indent=1) + "\n")
    deadlines.read(options.deadlines, session["sets"])  # what is amiss there shows before
    manual.read(out / "manual.csv")  # hours of grading
    store = Results(out)
    old = list(map(_points_only, store)) if options.regrade else []
    todo = [
        entry
        for entry in entries
        if options.regrade or not store.done(entry, _fingerprint(sets, entry, session))
    ]
    print(
        f"{len(entries)} submissions, {len(todo)} to grade; seed {session['seed']}; isolation: "
        f"{session['isolation']} ({session['isolation_says']})",
        flush=True,
    )
    _grade(options, sets, session, store, todo)
    store.clear(entries)
    for trouble in report.write(out, iter(store), session, deadlines=options.deadlines):
        print(f"look at this: {trouble}")
    for line in report.moved(old, map(_points_only, store)) if options.regrade else ():
        print(line)
    print(f"{out / 'index.html'} is the page of the class; {out / 'grades.csv'} the gradebook")
    return 0


def _grade(
    options, sets: dict[str, Pristine], session: dict, store: Results, todo: list[Entry]
) -> None:
    """Grade all that is to do, set by set, and write each result at once."""
    progress = _Progress(len(todo))
    for entry in todo:
        if entry.set is None:
            store.write(entry, results.unreadable(entry), _fingerprint(sets, entry, session))
            progress.tell(entry, "unreadable")
    names = sorted({entry.set for entry in todo if entry.set})
    with engine.opened() as judges:
        for name in names:
            print(f"{name}: finding out what is right, and proving the grader", flush=True)
            mine = [entry for entry in todo if entry.set == name]
            handed = contents(collect(options.submissions), mine)
            ready = _graded(options, sets[name], session, judges, handed, progress.start)
            for entry, result in ready:
                store.write(entry, result, _fingerprint(sets, entry, session))
                progress.tell(entry, f"{result['points']} of {result['of']}")


def _graded(
    options,
    pristine: Pristine,
    session: dict,
    judges: Engine,
    handed: Iterator[tuple[Entry, Reading]],
    ready: Callable[[], None],
) -> Iterator[tuple[Entry, dict]]:
    """Results as they come; no more submissions are in memory than are being graded."""
    limits = Limits.of(options.seconds)
    if options.scheduler:
        from coursekit.grader import cluster

        yield from cluster.grade(
            options.scheduler, pristine, session, limits, handed, judges, options.unsafe
        )
        return
    with workplace.opened(
        pristine,
        judges,
        level=session["isolation"],
        seed=session["seed"],
        jobs=options.jobs,
        threads=max(1, (os.cpu_count() or 1) // options.jobs),
        limits=limits,
    ) as (judge, pool):
        ready()
        running: dict[Future, Entry] = {}
        try:
            for entry, reading in handed:
                running[pool.submit(results.graded, judge, entry, reading)] = entry
                if len(running) >= 2 * options.jobs:
                    yield from _ended(running, pristine)
            while running:
                yield from _ended(running, pristine)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _ended(running: dict[Future, Entry], pristine: Pristine) -> Iterator[tuple[Entry, dict]]:
    """Wait for one result or more."""
    for future in wait(running, return_when=FIRST_COMPLETED).done:
        entry = running.pop(future)
        try:
            yield entry, future.result()
        except Exception as error:  # one submission's trouble is nobody else's
            yield entry, results.failed(entry, pristine, error)


def _session(options) -> dict:
    """What is the same for all submissions of this run. Raises ValueError for what cannot be."""
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
        seed = _seed(before) if before.exists() else secrets.randbelow(10**9)
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
    return {
        "seed": seed,
        "isolation": level,
        "isolation_says": levels.SAYS[level],
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {
            "python": platform.python_version(),
            "coursekit": __version__,
            taught_package(): version(taught_package()),
            **{name: version(name) for name in _PACKAGES},
        },
    }


def _seed(path: Path) -> int:
    """The seed of the runs before. Raises ValueError where the file does not say it."""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return int(json.loads(path.read_text(encoding="utf-8"))["seed"])
    raise ValueError(
        f"{path} does not say the seed any more; name one with --seed, and all is graded anew"
    )


def _fingerprint(sets: dict[str, Pristine], entry: Entry, session: dict) -> str:
    if entry.set is None:
        return ""
    return fingerprint(sets, entry.set, session["seed"], json.dumps(session["versions"]))


def _described(pristine: Pristine) -> dict:
    stubs = {cell.id: cell.source for cell in pristine.given.notebook}
    return {
        "title": pristine.title,
        "tasks": {
            task.id: {
                "number": task.number,
                "title": task.title,
                "of": sum(cell.metadata.points for cell in task.checks),
                "manual_of": task.words.metadata.manual if task.words else 0,
                "given": stubs[task.answer.id],
            }
            for task in pristine.exercises.tasks
        },
    }


def _points_only(result: dict) -> dict:
    """A result without the long texts: a class of these fits in memory."""
    tasks = {
        name: {key: value for key, value in task.items() if key not in ("answer", "words")}
        for name, task in result["tasks"].items()
    }
    return result | {"tasks": tasks}


class _Progress:
    """One line a submission, with the time that is left; getting a set ready is not counted."""

    def __init__(self, count: int) -> None:
        self.count, self.done, self.spent, self.last = count, 0, 0.0, time.monotonic()

    def start(self) -> None:
        """From here on submissions are graded."""
        self.last = time.monotonic()

    def tell(self, entry: Entry, what: str) -> None:
        """One more is done."""
        now = time.monotonic()
        self.done, self.spent, self.last = self.done + 1, self.spent + now - self.last, now
        left = self.spent / self.done * (self.count - self.done)
        rest = (
            f", about {left / 60:.0f} min left"
            if left > 90
            else (f", about {left:.0f} s left" if left > 1 else "")
        )
        name = visible(f"{entry.student}, {entry.set or entry.path}")
        print(f"{self.done} of {self.count}: {name}: {what}{rest}", flush=True)
