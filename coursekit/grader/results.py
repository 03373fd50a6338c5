"""Results of a grading run: made in one place, and kept on disk, one file per student and set."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from coursekit.files import safe_name, write_whole
from coursekit.grader.pristine import Pristine, manual_points
from coursekit.grader.scoring import Scorer
from coursekit.report.model import (
    Session,
    SubmissionResult,
    TaskResult,
    read_result,
    written_result,
)
from coursekit.submissions.intake import Entry
from coursekit.submissions.matching import match
from coursekit.submissions.reading import Reading


@dataclass(frozen=True)
class Graded:
    """A submission with its result; unless it is final, a resumed run grades it once more."""

    entry: Entry
    result: SubmissionResult
    final: bool = True


def graded(scorer: Scorer, entry: Entry, reading: Reading) -> Graded:
    """Grade a submission that could be read."""
    found = match(reading.cells, scorer.pristine.given)
    tasks = scorer.score(found)
    lost = [tasks[name].title for name, answer in found.answers.items() if not answer.sources]
    why = f"no answer cell was found for: {', '.join(lost)}" if lost else ""
    notes = (*entry.notes, *reading.notes, *found.notes)
    return Graded(entry, _result(entry, tasks, "partly" if lost else "graded", why, notes))


def unreadable(entry: Entry) -> Graded:
    """Return the result of a file that is no notebook of a set."""
    return Graded(entry, _result(entry, {}, "unreadable", entry.why, entry.notes))


def failed(entry: Entry, pristine: Pristine, error: Exception) -> Graded:
    """Return the result of a submission on which the grader itself failed: no points, and why."""
    why = f"the grader failed on it and gives no points: {type(error).__name__}: {error}"[:500]
    tasks = {
        name: TaskResult(
            number=task.number,
            title=task.title,
            points=0,
            of=task.points - manual_points(task),
            manual_of=manual_points(task),
            words=None,
            found="",
            withheld="",
            mistake="",
            reason=why,
            answer="",
            cells={},
        )
        for name, task in pristine.tasks.items()
    }
    return Graded(entry, _result(entry, tasks, "unreadable", why, entry.notes), final=False)


def _result(
    entry: Entry, tasks: Mapping[str, TaskResult], status: str, why: str, notes: tuple[str, ...]
) -> SubmissionResult:
    return SubmissionResult(
        student=entry.student,
        set=entry.set,
        path=entry.path,
        sha256=entry.sha256,
        when=entry.when,
        ids=dict(entry.ids),
        status=status,
        why=why,
        notes=notes,
        tasks=tasks,
    )


def session_key(exercises: Pristine, session: Session) -> str:
    """Return a key for all that a result depends on besides the submission.

    It covers the set's source and answers, the seed and the versions. If it changes, `--resume`
    grades the submission anew.
    """
    source = exercises.exercises.path
    parts = [
        source.read_bytes(),
        source.with_suffix(".toml").read_bytes(),
        f"{session.seed} {json.dumps(dict(session.versions))}".encode(),
    ]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


class ResultFiles:
    """The folder `results/` of a grading run.

    A file names the session of its result: a key for all that the result depends on besides the
    submission. A result with another key, or none, is graded anew by a resumed run.
    """

    def __init__(self, out: Path) -> None:
        self.folder = out / "results"

    def path(self, entry: Entry) -> Path:
        """Return the file of a submission's result."""
        parts = (entry.student, entry.set) if entry.set else (entry.student, "unknown", entry.path)
        return self.folder / ("--".join(map(safe_name, parts)) + ".json")

    def write(self, graded: Graded, key: str) -> None:
        """Keep a result under a key, or under none if it is not final."""
        text = written_result(graded.result, key if graded.final else "")
        write_whole(self.path(graded.entry), text)

    def done(self, entry: Entry, key: str) -> bool:
        """Return True if this very file was graded under this key already."""
        try:
            found, result = read_result(self.path(entry))
        except (OSError, ValueError):
            return False
        return (result.sha256, found) == (entry.sha256, key)

    def clear(self, entries: Iterable[Entry]) -> None:
        """Remove the results of files that were taken back."""
        current = {self.path(entry) for entry in entries}
        for path in self.folder.glob("*.json"):
            if path not in current:
                path.unlink()

    def __iter__(self) -> Iterator[SubmissionResult]:
        for path in sorted(self.folder.glob("*.json")):
            yield read_result(path)[1]
