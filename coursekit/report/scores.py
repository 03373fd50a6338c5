"""What one result counts: the checks' points, the instructor's marks, and days late."""

from collections.abc import Mapping
from dataclasses import dataclass

from coursekit.report.manual import WITHHELD, WORDS, Mark, Marks
from coursekit.report.text import cut, first_line

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


def scored(
    result: Mapping, fields: Mapping, marks: Marks, *, late: int | None, page: str
) -> SetScore:
    """What a result counts; ``fields`` are the tasks of its set, as the session tells them."""
    told = result["tasks"]
    return SetScore(
        result["status"],
        result["why"],
        result["path"],
        result["when"],
        result["ids"],
        late,
        page,
        {task: _task(result, task, each, marks) for task, each in fields.items()},
        {task: cut(first_line(told[task]["reason"]), _CLIP) for task in told},
        {task: cut(told[task]["mistake"], _CLIP) for task in told},
        {task: cut(told[task]["withheld"], _CLIP) for task in told if told[task]["withheld"]},
        len(result["notes"]),
    )


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
