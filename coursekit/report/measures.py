"""What the class's points say of each task: how hard it is, whether it tells students apart."""

import re
from collections import Counter
from dataclasses import dataclass
from statistics import StatisticsError, correlation, fmean

from coursekit.report.book import Class
from coursekit.report.scores import SetScore

COMMONEST = 3

_VALUE = re.compile(r"-?\d+\.\d+(?:e[+-]?\d+)?|-?\d+e[+-]?\d+")


@dataclass(frozen=True)
class TaskMeasure:
    """One task over all submissions of its set that could be read."""

    exercise: str
    task: str
    of: float  # points of the checks; marks for words come too late to compare with
    count: int
    mean: float | None
    full: float | None  # the share with all points
    discrimination: float | None  # correlation of its points with those of the set's other tasks
    mistakes: tuple[tuple[str, int], ...]
    reasons: tuple[tuple[str, int], ...]


def measure(book: Class) -> list[TaskMeasure]:
    """Every task of every set."""
    return [_measure(book, exercise, task) for exercise, task in book.columns()]


def _measure(book: Class, exercise: str, task: str) -> TaskMeasure:
    of = book.sets[exercise]["tasks"][task]["of"]
    scores = readable(book, exercise)
    points = [score.tasks[task].checked for score in scores]
    rest = [
        sum(t.checked for t in s.tasks.values()) - p for s, p in zip(scores, points, strict=True)
    ]
    lost = [score for score, p in zip(scores, points, strict=True) if p < of]
    return TaskMeasure(
        exercise,
        task,
        of,
        len(points),
        fmean(points) if points else None,
        sum(p >= of for p in points) / len(points) if points else None,
        correlated(points, rest),
        _commonest(score.mistakes.get(task, "") for score in lost),
        _commonest(_VALUE.sub("…", score.reasons.get(task, "")) for score in lost),
    )


def readable(book: Class, exercise: str) -> list[SetScore]:
    """What was handed in for a set and could be read."""
    found = (student.sets.get(exercise) for student in book.students.values())
    return [score for score in found if score and score.status != "unreadable"]


def correlated(points: list[float], rest: list[float]) -> float | None:
    """Pearson's correlation; None where it is undefined, or of fewer than three students."""
    if len(points) < 3:
        return None
    try:
        return correlation(points, rest)
    except StatisticsError:  # all alike
        return None


def _commonest(texts) -> tuple[tuple[str, int], ...]:
    counts = Counter(text for text in texts if text)
    return tuple(sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:COMMONEST])
