"""Measures of the class: how its totals are distributed, how hard each task is, what it reveals."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import StatisticsError, correlation, fmean, median

from coursekit.report.scores import ClassScores, SetScore

COMMONEST = 3
BINS = 10

_VALUE = re.compile(r"-?\d+\.\d+(?:e[+-]?\d+)?|-?\d+e[+-]?\d+")


@dataclass(frozen=True)
class Distribution:
    """The totals of all students with a readable file: their measures, and counts in `BINS`.

    ``missing`` are the students without a readable file.
    """

    mean: float
    median: float
    lowest: float
    highest: float
    counts: tuple[int, ...]
    missing: int


@dataclass(frozen=True)
class TaskMeasure:
    """One task over all submissions of its set that could be read."""

    set_name: str
    task: str
    of: float  # points of the checks; marks for words come too late to compare with
    count: int
    mean: float | None
    full: float | None  # the share with all points
    discrimination: float | None  # correlation of its points with those of the set's other tasks
    mistakes: tuple[tuple[str, int], ...]
    reasons: tuple[tuple[str, int], ...]


def distribution(scores: ClassScores) -> Distribution | None:
    """Return the distribution of the totals; None if there is none to count."""
    students = scores.students.values()
    totals = [student.points for student in students if student.status != "unreadable"]
    if not totals or not scores.of:
        return None
    counts = [0] * BINS
    for total in totals:
        counts[min(BINS - 1, int(BINS * total / scores.of))] += 1
    missing = len(students) - len(totals)
    return Distribution(
        sum(totals) / len(totals),
        median(totals),
        min(totals),
        max(totals),
        tuple(counts),
        missing,
    )


def measure(scores: ClassScores) -> list[TaskMeasure]:
    """Return the measures of every task of every set."""
    return [_measure(scores, set_name, task) for set_name, task in scores.columns]


def _measure(scores: ClassScores, set_name: str, task: str) -> TaskMeasure:
    of = scores.sets[set_name].tasks[task].of
    found = readable(scores, set_name)
    points = [score.tasks[task].checked for score in found]
    rest = [
        sum(t.checked for t in score.tasks.values()) - p
        for score, p in zip(found, points, strict=True)
    ]
    lost = [score for score, p in zip(found, points, strict=True) if p < of]
    return TaskMeasure(
        set_name,
        task,
        of,
        len(points),
        fmean(points) if points else None,
        sum(p >= of for p in points) / len(points) if points else None,
        correlated(points, rest),
        _commonest(score.mistakes.get(task, "") for score in lost),
        _commonest(_VALUE.sub("…", score.reasons.get(task, "")) for score in lost),
    )


def readable(scores: ClassScores, set_name: str) -> list[SetScore]:
    """Return the scores of the files of a set that could be read."""
    found = (student.sets.get(set_name) for student in scores.students.values())
    return [score for score in found if score and score.status != "unreadable"]


def correlated(points: list[float], rest: list[float]) -> float | None:
    """Return Pearson's correlation; None where it is undefined, or of fewer than 3 students."""
    if len(points) < 3:
        return None
    try:
        return correlation(points, rest)
    except StatisticsError:  # all alike
        return None


def _commonest(texts: Iterable[str]) -> tuple[tuple[str, int], ...]:
    counts = Counter(text for text in texts if text)
    return tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:COMMONEST])
