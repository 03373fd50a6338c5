"""Whose points moved in a regrade, and why."""

from collections.abc import Iterable, Iterator, Mapping

from coursekit.report.scores import checked_points
from coursekit.report.text import cut, first_line, number, visible

CLIP = 120  # characters of a reason


def moved(old: Iterable[Mapping], new: Iterable[Mapping]) -> list[str]:
    """One line for each task whose points differ, each status that does, and who is new or gone.

    Marks by the instructor are not looked at: a regrade does not move them.
    """
    before = {_key(result): _points(result) for result in old}
    lines, met = [], set()
    for result in new:
        key = _key(result)
        met.add(key)
        if key not in before:
            lines.append((key, f"{_who(key)}: new, {_sum(_points(result))}{_why(result['why'])}"))
        else:
            lines += [(key, f"{_who(key)}{line}") for line in _moves(before[key], result)]
    lines += [
        (key, f"{_who(key)}: gone, had {_sum(points)}")
        for key, points in before.items()
        if key not in met
    ]
    return [line for _, line in sorted(lines, key=lambda each: each[0])]


def _moves(before: dict, result: Mapping) -> Iterator[str]:
    after = _points(result)
    if before["status"] != after["status"]:
        yield f": {before['status']} -> {after['status']}{_why(result['why'])}"
    nothing = (0, 0, "")
    for task in {**before["tasks"], **after["tasks"]}:
        was, _, reason = before["tasks"].get(task, nothing)
        now, _, cause = after["tasks"].get(task, nothing)
        if was != now:
            why = cause or result["why"] if now < was else f"before: {reason}" if reason else cause
            yield f"/{task}: {number(was)} -> {number(now)}{_why(why)}"


def _points(result: Mapping) -> dict:
    tasks = {
        name: (
            checked_points(task),
            task["of"],
            f"withheld: {task['withheld']}" if task["withheld"] else first_line(task["reason"]),
        )
        for name, task in result["tasks"].items()
    }
    return {"status": result["status"], "tasks": tasks}


def _key(result: Mapping) -> tuple[str, str, str]:
    known = result["set"] is not None
    return result["student"], result["set"] or "", "" if known else result["path"]


def _who(key: tuple[str, str, str]) -> str:
    return visible(f"{key[0]} {key[1] or key[2]}")


def _sum(points: dict) -> str:
    if not points["tasks"]:
        return points["status"]
    got, of = (sum(each[k] for each in points["tasks"].values()) for k in (0, 1))
    return f"{number(got)} of {number(of)}"


def _why(text: str) -> str:
    return f": {visible(cut(text, CLIP))}" if text else ""
