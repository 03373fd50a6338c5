"""What is right and what is a known mistake: the record, and a student's lines held against it.

The record of a set, `exercises/expected/NN_name.json`, is what its solution printed, line by line,
a fingerprint of what each wrong answer printed, and the exercise's cells as they were given. This
module only reads and compares, and imports little; `rehearse` and `cut` make the record.
"""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from coursekit.checks.digest import fingerprint

UNWRITTEN = "not written yet"
MEASURED = "measured "
FOLDERS = ("expected", "../exercises/expected", "exercises/expected")

_ARRAY = re.compile(r"(\w+ (?:tensor|array) \([\d, ]*\))(?: (?:first|values) ([^,]*))?(.*)")
_REVEALING = re.compile(r"(?:tensor|array) \(|^raises |measured ")


@dataclass(frozen=True)
class CellVerdict:
    """One check cell: its points, what each line that disagrees says, the known mistakes it is."""

    cell: str
    points: int
    of: int
    faults: tuple[str, ...]
    mistakes: tuple[str, ...]


def load(name: str, near: Path = Path()) -> dict | None:
    """Return the record of a set, from COURSEKIT_EXPECTED or a usual place; None if absent."""
    for folder in _folders(near):
        path = folder / f"{name}.json"
        if path.is_file():
            return json.loads(path.read_text(encoding="utf-8"))
    return None


def every(near: Path = Path()) -> dict[str, dict]:
    """All records in the first of these folders that has any, by name."""
    for folder in _folders(near):
        if found := sorted(folder.glob("[0-9][0-9]_*.json")):
            return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in found}
    return {}


def _folders(near: Path) -> list[Path]:
    asked = os.environ.get("COURSEKIT_EXPECTED")
    return [near / folder for folder in ((asked,) if asked else FOLDERS)]


def task_of(record: dict, cell: str) -> dict | None:
    """The part of the record that has this check cell."""
    return next((task for task in record["tasks"].values() if cell in task["cells"]), None)


def judge(task: dict, cell: str, lines: list[str]) -> CellVerdict:
    """Hold what a check cell printed against the record of its task. All lines, or no points."""
    right, of = task["cells"][cell]["lines"], task["cells"][cell]["points"]
    faults = [
        fault
        for i, line in enumerate(right)
        if (fault := explain(task, line, lines[i] if i < len(lines) else None))
    ]
    if len(lines) > len(right):
        faults.append(f"the check printed {len(lines)} lines, and not {len(right)}")
    mistakes = known(task, cell, lines) if faults else ()
    return CellVerdict(cell, 0 if faults else of, of, tuple(faults), mistakes)


def known(task: dict, cell: str, lines: list[str]) -> tuple[str, ...]:
    """What the wrong answers that print just these lines are told."""
    mark = fingerprint(lines)
    says = [wrong["says"] for wrong in task["wrong"] if wrong["prints"].get(cell) == mark]
    return tuple(dict.fromkeys(says))


def mistakes(task: dict, verdicts: list[CellVerdict]) -> list[str]:
    """The known mistakes that fail just the cells that failed, else those behind any of them."""
    failed = {verdict.cell: verdict.mistakes for verdict in verdicts if verdict.faults}
    whole = [
        wrong["says"]
        for wrong in task["wrong"]
        if set(wrong["prints"]) == set(failed)
        and all(wrong["says"] in each for each in failed.values())
    ]
    return list(dict.fromkeys(whole or [says for each in failed.values() for says in each]))


def explain(task: dict, right: str, yours: str | None) -> str | None:
    """In plain words what differs between two lines; None if they agree."""
    label, _, want = right.partition(": ")
    if yours is None or not yours.startswith(label + ": "):
        return f"{label}: the check did not get that far"
    have = yours[len(label) + 2 :]
    if want.startswith(MEASURED) and have.startswith(MEASURED):
        low, high = task["within"][label]
        fine = low <= float(have.removeprefix(MEASURED)) <= high
        return None if fine else f"{label}: you {have}; it should lie between {low} and {high}"
    if have == want:
        return None
    return f"{label}: {_difference(have, want)}"


def _difference(have: str, want: str) -> str:
    if have == UNWRITTEN or have.startswith(("raises ", "takes longer ")):
        return have
    if have == "None":
        return "your function returned nothing; is a `return` missing?"
    if have == want + CHANGED:
        return "right, but your code changes its input in place; work on a new tensor"
    yours, ours = _ARRAY.fullmatch(have), _ARRAY.fullmatch(want)
    if yours and ours:
        if yours[1] != ours[1]:
            return f"yours is a {yours[1]}, expected a {ours[1]}"
        if yours[2] != ours[2]:
            return f"same shape, other values; yours begin {yours[2]}, expected {ours[2]}"
        return f"the values begin alike, {ours[2]}, but differ further on"
    if _REVEALING.search(want):
        return f"yours is {have}, expected {want}"
    return f"yours is {have}, which is not it"


CHANGED = ", and its input is changed"
