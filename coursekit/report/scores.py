"""Points that count: the checks' points, the instructor's marks and late days, for the whole class.

A `ClassScores` takes in results one by one and keeps what the class's tables need: no answers, and
reasons cut short.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from coursekit.files import safe_name
from coursekit.report.deadlines import Deadlines
from coursekit.report.manual import WITHHELD, WORDS, Mark, Marks
from coursekit.report.model import GradedSet, GradedTask, SubmissionResult, result_as_json
from coursekit.report.text import clipped, first_line

_LONG = 300  # characters of a reason that the class's tables keep


@dataclass(frozen=True)
class TaskScore:
    """Points of one task.

    Attributes:
        checked: given by the checks; of a withheld task, what the instructor granted.
        points: with the marks for words.
        of: all points of the task.
        open: the points that the instructor may still give.
        words: the mark for words, if the task has any.
        granted: the mark for a withheld answer, if it is one.
    """

    checked: float
    points: float
    of: float
    open: float
    words: Mark | None = None
    granted: Mark | None = None


@dataclass(frozen=True)
class SetScore:
    """Points of one student in one set; ``page`` is the feedback's file name without ending."""

    status: str
    why: str
    path: str
    ids: Mapping[str, str]
    late: int | None
    page: str
    tasks: dict[str, TaskScore]
    reasons: dict[str, str]
    mistakes: dict[str, str]
    withheld: dict[str, str]
    notes: int

    @property
    def points(self) -> float:
        """Points of all tasks."""
        return sum(task.points for task in self.tasks.values())

    @property
    def open(self) -> float:
        """Points that wait for a mark."""
        return sum(task.open for task in self.tasks.values())

    def as_json(self, result: SubmissionResult) -> dict[str, Any]:
        """Return the result with what it counts, for grades.json."""
        counts = {
            name: {
                "points": task.points,
                "of": task.of,
                "open": task.open,
                "words": asdict(task.words) if task.words else None,
                "granted": asdict(task.granted) if task.granted else None,
            }
            for name, task in self.tasks.items()
        }
        return result_as_json(result) | {
            "late_days": self.late,
            "feedback": f"feedback/{self.page}.html",
            "counts": {"points": self.points, "open": self.open, "tasks": counts},
        }


@dataclass
class StudentScores:
    """All that one student handed in: sets by name, and files that belong to no set."""

    name: str
    sets: dict[str, SetScore] = field(default_factory=dict)
    unknown: list[SetScore] = field(default_factory=list)

    @property
    def all(self) -> list[SetScore]:
        """Sets, then the other files."""
        return [*self.sets.values(), *self.unknown]

    @property
    def status(self) -> str:
        """The status that all files share, else "partly"."""
        found = {score.status for score in self.all}
        return found.pop() if len(found) == 1 else "partly"

    @property
    def why(self) -> str:
        """The reasons of all files."""
        many = len(self.all) > 1
        named = [*self.sets.items(), *(("a file", score) for score in self.unknown)]
        return "; ".join(f"{name}: {s.why}" if many else s.why for name, s in named if s.why)

    @property
    def points(self) -> float:
        """Points of all sets."""
        return sum(score.points for score in self.sets.values())

    @property
    def open(self) -> float:
        """Points that wait for a mark."""
        return sum(score.open for score in self.sets.values())

    @property
    def late(self) -> int | None:
        """Late days of all files together; None if nothing is known."""
        days = [score.late for score in self.all if score.late is not None]
        return sum(days) if days else None


@dataclass
class ClassScores:
    """The graded sets, and the students' scores, both in the order of their coming."""

    sets: Mapping[str, GradedSet]
    students: dict[str, StudentScores] = field(default_factory=dict)
    pages: set[str] = field(default_factory=set)

    @property
    def of(self) -> float:
        """All points of all sets."""
        return sum(graded.of for graded in self.sets.values())

    @property
    def columns(self) -> list[tuple[str, str]]:
        """Every (set, task)."""
        return [(name, task) for name, graded in self.sets.items() for task in graded.tasks]

    def ordered(self) -> list[StudentScores]:
        """Return the students by name, whatever its capitals."""
        return sorted(self.students.values(), key=lambda one: (one.name.casefold(), one.name))

    def add(self, result: SubmissionResult, marks: Marks, deadlines: Deadlines) -> SetScore:
        """Take in one result; returns what it counts.

        Raises:
            ValueError: one sentence, for a set that the session does not have, or comes twice.
        """
        name, set_name = result.student, result.set
        student = self.students.setdefault(name, StudentScores(name))
        if set_name is not None and set_name not in self.sets:
            raise ValueError(
                f"a result of {name!r} is of the set {set_name!r}, which the session "
                f"does not have; it has {', '.join(self.sets) or 'none'}"
            )
        if set_name in student.sets:
            raise ValueError(f"there are two results of {name!r} for {set_name}; keep one")
        tasks = self.sets[set_name].tasks if set_name is not None else {}
        score = SetScore(
            status=result.status,
            why=result.why,
            path=result.path,
            ids=result.ids,
            late=deadlines.late(name, set_name, result.when),
            page=self._page(name, set_name),
            tasks={task: _task(result, task, graded, marks) for task, graded in tasks.items()},
            reasons={
                task: clipped(first_line(r.reason), _LONG) for task, r in result.tasks.items()
            },
            mistakes={task: clipped(r.mistake, _LONG) for task, r in result.tasks.items()},
            withheld={
                task: clipped(r.withheld, _LONG) for task, r in result.tasks.items() if r.withheld
            },
            notes=len(result.notes),
        )
        if set_name is None:
            student.unknown.append(score)
        else:
            student.sets[set_name] = score
        return score

    def _page(self, name: str, set_name: str | None) -> str:
        """Return a file name that no other page has, even where capitals do not count."""
        stem = f"{safe_name(name)}--{safe_name(set_name or 'unknown')}"
        page, k = stem, 2
        while page.casefold() in self.pages:
            page, k = f"{stem}-{k}", k + 1
        self.pages.add(page.casefold())
        return page


def _task(result: SubmissionResult, name: str, graded: GradedTask, marks: Marks) -> TaskScore:
    task = result.tasks.get(name)
    if task is None or result.set is None:
        return TaskScore(0, 0, graded.full, 0)
    where, words, granted = (result.student, result.set, name), None, None
    checked: float = task.counted
    waits: float = 0
    if task.withheld:
        granted = marks.mark(*where, WITHHELD, of=graded.of, text=task.answer, why=task.withheld)
        checked, waits = _given(granted, graded.of)
    points = checked
    if graded.manual_of and (task.words or "").strip():
        words = marks.mark(*where, WORDS, of=graded.manual_of, text=task.words or "")
        more, unread = _given(words, graded.manual_of)
        points, waits = points + more, waits + unread
    return TaskScore(checked, points, graded.full, waits, words, granted)


def _given(mark: Mark, of: float) -> tuple[float, float]:
    """Return the points of a mark, and the points that wait for one."""
    return (0, of) if mark.points is None else (mark.points, 0)
