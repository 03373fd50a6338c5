"""The part of a result that its student is shown.

Of a hidden check the student learns its points, and that it used other inputs: no label and no
value. A reason, a mistake or a note that could come from a hidden check is left out. Why points are
withheld stays between the instructor and the result.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from coursekit.report.manual import Mark
from coursekit.report.model import CellResult, GradedSet, GradedTask, SubmissionResult, TaskResult
from coursekit.report.scores import SetScore, TaskScore
from coursekit.report.text import as_points, first_line, several

OTHERS = "other inputs than those shown"

_WAITS = "These points wait: your instructor looks at this answer first."
_STATUS = {"graded": "graded", "partly": "graded in part", "unreadable": "not readable"}


@dataclass(frozen=True)
class TaskView:
    """The feedback for one task, as plain text."""

    heading: str
    checks: tuple[str, ...] = ()
    reason: str = ""
    mistake: str = ""
    faults: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    comment: str = ""
    words: str = ""
    answer: str = ""


@dataclass(frozen=True)
class StudentView:
    """One page of feedback, as plain text."""

    title: str
    student: str
    opening: tuple[str, ...]
    tasks: tuple[TaskView, ...]


def student_view(
    result: SubmissionResult, score: SetScore, graded: GradedSet | None
) -> StudentView:
    """Return what the student may see; ``graded`` is the result's set, None if it has none."""
    tasks = graded.tasks if graded else {}
    return StudentView(
        f"{result.set or 'An unknown set'}: {graded.title if graded else 'not recognised'}",
        result.student,
        tuple(_opening(result, score, graded)),
        tuple(
            _task(result.tasks.get(name), score.tasks[name], task) for name, task in tasks.items()
        ),
    )


def _opening(result: SubmissionResult, score: SetScore, graded: GradedSet | None) -> Iterator[str]:
    if graded:
        of = sum(task.of for task in score.tasks.values())
        waits = f"; {as_points(score.open)} more wait for your instructor" if score.open else ""
        yield f"{as_points(score.points)} of {as_points(of)} points{waits}."
    if score.late is not None:
        yield f"{several(score.late, 'day')} late." if score.late else "In time."
    secrets = [secret for task in result.tasks.values() for secret in _secrets(task)]
    if result.status != "graded" or result.why:
        why = "" if _leaks(result.why, secrets) else result.why
        yield f"The file was {_STATUS[result.status]}{': ' + why if why else '.'}"
    for note in result.notes:
        if not _leaks(note, secrets):
            yield note


def _task(task: TaskResult | None, score: TaskScore, graded: GradedTask) -> TaskView:
    points = f"{as_points(score.points)} of {as_points(score.of)} points"
    heading = f"Task {graded.number}: {graded.title}: {points}"
    if task is None:
        return TaskView(heading)
    faults = tuple(fault for cell in _cells(task, hidden=False) for fault in cell.faults)
    only_hidden = _lost(task, hidden=True) and not _lost(task, hidden=False)
    reason = _reason(task, faults, only_hidden)
    marks = [mark for mark in (score.granted, score.words) if mark]
    return TaskView(
        heading,
        checks=tuple(_checks(task)),
        reason=reason,
        mistake="" if only_hidden else task.mistake,
        faults=tuple(fault for fault in faults if fault not in first_line(reason)),
        remarks=tuple(_remarks(task, score, graded)),
        comment="\n".join(mark.comment for mark in marks if mark.comment),
        words=task.words or "",
        answer=task.answer,
    )


def _checks(task: TaskResult) -> Iterator[str]:
    for name, cell in task.cells.items():
        label = OTHERS if cell.hidden else name
        yield f"{label}: {as_points(cell.points)} of {as_points(cell.of)}"


def _remarks(task: TaskResult, score: TaskScore, graded: GradedTask) -> Iterator[str]:
    if score.granted:
        waits = score.granted.points is None
        yield _WAITS if waits else _marked("this answer", score.granted)
    if graded.manual_of:
        yield _of_words(task.words, score.words, graded.manual_of)


def _of_words(words: str | None, mark: Mark | None, of: float) -> str:
    if mark is None or not (words or "").strip():
        return f"Your words: none found, 0 of {as_points(of)}"
    if mark.points is None:
        return f"Your words: your instructor has not read them yet; up to {as_points(of)} points"
    return f"{_marked('your words', mark)} of {as_points(of)}"


def _marked(what: str, mark: Mark) -> str:
    return f"Your instructor gave {what} {as_points(mark.points)}"


def _cells(task: TaskResult, hidden: bool) -> list[CellResult]:
    return [cell for cell in task.cells.values() if cell.hidden == hidden]


def _lost(task: TaskResult, hidden: bool) -> bool:
    """Return True if one of the hidden, or of the public, checks cost points."""
    return any(cell.points < cell.of for cell in _cells(task, hidden))


def _reason(task: TaskResult, faults: tuple[str, ...], only_hidden: bool) -> str:
    """Return the reason if no hidden check shows in it, else the first public fault, if any."""
    first, secrets = first_line(task.reason), _secrets(task)
    if only_hidden:
        return f"Lost with {OTHERS}."
    if first in faults:
        return first if _leaks(task.reason.removeprefix(first), secrets) else task.reason
    if _leaks(task.reason, secrets):
        return faults[0] if faults else f"Lost with {OTHERS}."
    return task.reason


def _secrets(task: TaskResult) -> list[str]:
    """Return the names of hidden checks, their faults, and the labels of these."""
    faults = [fault for cell in _cells(task, hidden=True) for fault in cell.faults]
    names = [name for name, cell in task.cells.items() if cell.hidden]
    return [*names, *faults, *(fault.partition(": ")[0] for fault in faults)]


def _leaks(text: str, secrets: list[str]) -> bool:
    return any(secret in text for secret in secrets if secret)
