"""What one result counts: the checks' points, the instructor's marks, and days late."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from resattn.files import safe_name
from resattn.grading.report.deadlines import Deadlines
from resattn.grading.report.manual import WITHHELD, WORDS, Mark, Marks
from resattn.grading.report.text import cut, first_line

STATUSES = ("graded", "partly", "unreadable")

_CLIP = 300  # characters of a reason that the class's tables keep


@dataclass(frozen=True)
class TaskScore:
    """A task: what counts, of how much, and how many points the instructor may still give."""

    checked: float  # by the checks; nothing while it is withheld, then what was granted
    points: float  # with the marks for words
    of: float
    open: float
    words: Mark | None
    granted: Mark | None


@dataclass(frozen=True)
class SetScore:
    """One student's one set, as the class's tables need it: no answers, short reasons."""

    status: str
    why: str
    path: str
    when: str | None
    ids: dict[str, str]
    late: int | None
    page: str  # the feedback's file name, without its ending
    tasks: dict[str, TaskScore]
    reasons: dict[str, str]
    mistakes: dict[str, str]
    withheld: dict[str, str]
    notes: int

    @property
    def points(self) -> float:
        """Of all tasks."""
        return sum(task.points for task in self.tasks.values())

    @property
    def open(self) -> float:
        """Points that wait for a mark."""
        return sum(task.open for task in self.tasks.values())


@dataclass
class Student:
    """All that one student handed in: sets by name, and files of which no set is known."""

    name: str
    sets: dict[str, SetScore] = field(default_factory=dict)
    unknown: list[SetScore] = field(default_factory=list)

    @property
    def all(self) -> list[SetScore]:
        """Sets, then the rest."""
        return [*self.sets.values(), *self.unknown]

    @property
    def status(self) -> str:
        """graded or unreadable if all of it is, else partly."""
        found = {each.status for each in self.all}
        return found.pop() if len(found) == 1 else "partly"

    @property
    def why(self) -> str:
        """The reasons of all sets."""
        many = len(self.all) > 1
        named = [*self.sets.items(), *(("a file", each) for each in self.unknown)]
        return "; ".join(f"{name}: {s.why}" if many else s.why for name, s in named if s.why)

    @property
    def points(self) -> float:
        """Of all sets."""
        return sum(each.points for each in self.sets.values())

    @property
    def open(self) -> float:
        """Points that wait for a mark."""
        return sum(each.open for each in self.sets.values())

    @property
    def late(self) -> int | None:
        """Days, of all sets together; None if nothing is known."""
        days = [each.late for each in self.all if each.late is not None]
        return sum(days) if days else None


@dataclass
class Class:
    """The session's sets, and the students, each in the order they came."""

    sets: dict[str, dict]
    students: dict[str, Student] = field(default_factory=dict)
    pages: set[str] = field(default_factory=set)

    def of(self, exercise: str) -> float:
        """All points of a set."""
        return sum(full(task) for task in self.sets[exercise]["tasks"].values())

    @property
    def total(self) -> float:
        """All points of all sets."""
        return sum(self.of(exercise) for exercise in self.sets)

    def columns(self) -> list[tuple[str, str]]:
        """Every (set, task)."""
        return [(name, task) for name, each in self.sets.items() for task in each["tasks"]]

    def add(self, result: Mapping, marks: Marks, deadlines: Deadlines) -> SetScore:
        """Take in one result; returns what it counts.

        Raises:
            ValueError: one sentence, for a set that the session does not have, or comes twice.
        """
        name, exercise = result["student"], result["set"]
        student = self.students.setdefault(name, Student(name))
        if exercise is not None and exercise not in self.sets:
            raise ValueError(
                f"a result of {name!r} is of the set {exercise!r}, which the session "
                f"does not have; it has {', '.join(self.sets) or 'none'}"
            )
        if exercise in student.sets:
            raise ValueError(f"there are two results of {name!r} for {exercise}; keep one")
        tasks = {
            task: _task(result, task, fields, marks)
            for task, fields in self.sets.get(exercise, {"tasks": {}})["tasks"].items()
        }
        told = result["tasks"]
        score = SetScore(
            result["status"],
            result["why"],
            result["path"],
            result["when"],
            result["ids"],
            deadlines.late(name, exercise, result["when"]),
            self._page(name, exercise),
            tasks,
            {task: cut(first_line(told[task]["reason"]), _CLIP) for task in told},
            {task: cut(told[task]["mistake"], _CLIP) for task in told},
            {task: cut(told[task]["withheld"], _CLIP) for task in told if told[task]["withheld"]},
            len(result["notes"]),
        )
        if exercise is None:
            student.unknown.append(score)
        else:
            student.sets[exercise] = score
        return score

    def _page(self, name: str, exercise: str | None) -> str:
        """A file name that no other page has, where capitals do not count either."""
        stem = f"{safe_name(name)}--{safe_name(exercise or 'unknown')}"
        page, k = stem, 2
        while page.casefold() in self.pages:
            page, k = f"{stem}-{k}", k + 1
        self.pages.add(page.casefold())
        return page


def full(task: Mapping) -> float:
    """All points of a task: by checks, and for words."""
    return task["of"] + task["manual_of"]


def checked_points(task: Mapping) -> float:
    """What the checks give a task at once: nothing while its points are withheld."""
    return 0 if task["withheld"] else task["points"]


def _task(result: Mapping, name: str, fields: Mapping, marks: Marks) -> TaskScore:
    told = result["tasks"].get(name)
    if told is None:
        return TaskScore(0, 0, full(fields), 0, None, None)
    where, words, granted = (result["student"], result["set"], name), None, None
    checked, waits = checked_points(told), 0
    if told["withheld"]:
        granted = marks.mark(
            *where, WITHHELD, of=fields["of"], text=told["answer"], why=told["withheld"]
        )
        checked, waits = _given(granted, fields["of"])
    points = checked
    if fields["manual_of"] and (told["words"] or "").strip():
        words = marks.mark(*where, WORDS, of=fields["manual_of"], text=told["words"])
        mine, more = _given(words, fields["manual_of"])
        points, waits = points + mine, waits + more
    return TaskScore(checked, points, full(fields), waits, words, granted)


def _given(mark: Mark, of: float) -> tuple[float, float]:
    return (0, of) if mark.points is None else (mark.points, 0)


def as_json(score: SetScore, result: Mapping) -> dict:
    """A result with what it counts, for grades.json."""

    def told(mark: Mark | None) -> dict | None:
        return None if mark is None else vars(mark)

    counts = {
        name: {
            "points": each.points,
            "of": each.of,
            "open": each.open,
            "words": told(each.words),
            "granted": told(each.granted),
        }
        for name, each in score.tasks.items()
    }
    return {
        **result,
        "late_days": score.late,
        "feedback": f"feedback/{score.page}.html",
        "counts": {"points": score.points, "open": score.open, "tasks": counts},
    }


def ordered(students: Iterable[Student]) -> list[Student]:
    """By name, capitals or not."""
    return sorted(students, key=lambda student: (student.name.casefold(), student.name))
