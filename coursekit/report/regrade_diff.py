"""The points that a regrade changed, and why."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from coursekit.report.model import SubmissionResult, TaskResult
from coursekit.report.text import as_points, clipped, first_line, visible

CLIP = 120  # characters of a reason

_Key = tuple[str, str, str]


@dataclass(frozen=True)
class _Points:
    """Points of one task, and the reason for what is lost."""

    points: float
    of: float
    reason: str


@dataclass(frozen=True)
class _Result:
    """Status of one result, and its points by task."""

    status: str
    tasks: dict[str, _Points]

    def __str__(self) -> str:
        if not self.tasks:
            return self.status
        points, of = (
            sum(getattr(task, name) for task in self.tasks.values()) for name in ("points", "of")
        )
        return f"{as_points(points)} of {as_points(of)}"


def regrade_diff(old: Iterable[SubmissionResult], new: Iterable[SubmissionResult]) -> list[str]:
    """Return one line per task whose points changed, per changed status, per new or gone file.

    Marks by the instructor are left out, since a regrade does not change them.
    """
    before = {_key(result): _points(result) for result in old}
    lines, seen = [], set()
    for result in new:
        key = _key(result)
        seen.add(key)
        if key not in before:
            lines.append((key, f"{_name(key)}: new, {_points(result)}{_why(result.why)}"))
        else:
            lines += [(key, f"{_name(key)}{line}") for line in _changes(before[key], result)]
    lines += [
        (key, f"{_name(key)}: gone, had {points}")
        for key, points in before.items()
        if key not in seen
    ]
    return [line for _, line in sorted(lines, key=lambda pair: pair[0])]


def _changes(before: _Result, result: SubmissionResult) -> Iterator[str]:
    after = _points(result)
    if before.status != after.status:
        yield f": {before.status} -> {after.status}{_why(result.why)}"
    nothing = _Points(0, 0, "")
    for task in {**before.tasks, **after.tasks}:
        was, now = before.tasks.get(task, nothing), after.tasks.get(task, nothing)
        if now.points < was.points:
            why = now.reason or result.why
        else:
            why = f"before: {was.reason}" if was.reason else now.reason
        if now.points != was.points:
            yield f"/{task}: {as_points(was.points)} -> {as_points(now.points)}{_why(why)}"


def _points(result: SubmissionResult) -> _Result:
    return _Result(
        result.status,
        {
            name: _Points(task.counted, task.of, _reason(task))
            for name, task in result.tasks.items()
        },
    )


def _reason(task: TaskResult) -> str:
    return f"withheld: {task.withheld}" if task.withheld else first_line(task.reason)


def _key(result: SubmissionResult) -> _Key:
    return result.student, result.set or "", "" if result.set is not None else result.path


def _name(key: _Key) -> str:
    return visible(f"{key[0]} {key[1] or key[2]}")


def _why(text: str) -> str:
    return f": {visible(clipped(text, CLIP))}" if text else ""
