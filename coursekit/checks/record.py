"""The record of an exercise set: right lines, known mistakes, and the exercise as it was given.

A set's record is the file ``exercises/expected/NN_name.json``. It holds the lines that the solution
printed, a fingerprint of the lines that each wrong answer printed, and the exercise's cells. This
module alone reads, writes and interprets it, and imports little, because every check cell loads it;
`coursekit.source` makes the record.
"""

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coursekit.checks.digest import fingerprint
from coursekit.course import HERE, RECORDS, upward
from coursekit.dataclass_json import Mismatch, decode, encode

FORMAT = 1
"""Number of the file format; raise it when a field changes, and old files are refused."""

UNWRITTEN = "not written yet"
MEASURED = "measured "
CHANGED = ", and its input is changed"
FOLDERS = ("expected", str(RECORDS))

_ARRAY = re.compile(r"(\w+ (?:tensor|array) \([\d, ]*\))(?: (?:first|values) ([^,]*))?(.*)")
_REVEALING = re.compile(r"(?:tensor|array) \(|^raises |measured ")


@dataclass(frozen=True)
class CellVerdict:
    """Points of one check cell, a sentence per line that differs, and the known mistakes."""

    cell: str
    points: int
    of: int
    faults: tuple[str, ...]
    mistakes: tuple[str, ...]


@dataclass(frozen=True)
class CellRecord:
    """One check cell: its points, and the lines that a right answer prints."""

    points: int
    lines: tuple[str, ...]


@dataclass(frozen=True)
class KnownMistake:
    """A wrong answer: its name, its feedback, and what it prints.

    ``prints`` has the fingerprint of the lines in each check cell that the answer fails.
    """

    name: str
    says: str
    prints: Mapping[str, str]


@dataclass(frozen=True)
class TaskRecord:
    """One task: ids of its answer cell and of its cell for words, its checks, its mistakes.

    ``names`` are the functions and classes to write, ``imports`` the modules that an answer may
    use, ``within`` the intervals of measured lines by label.
    """

    title: str
    answer: str
    words: str | None
    points: int
    names: tuple[str, ...]
    imports: tuple[str, ...]
    hints: tuple[str, ...]
    cells: Mapping[str, CellRecord]
    within: Mapping[str, tuple[float, float]]
    wrong: tuple[KnownMistake, ...]

    def verdict(self, cell: str, lines: Sequence[str]) -> CellVerdict:
        """Compare the lines of a check cell with the record; one that differs costs all points."""
        right, of = self.cells[cell].lines, self.cells[cell].points
        faults = [
            fault
            for i, line in enumerate(right)
            if (fault := self.explain(line, lines[i] if i < len(lines) else None))
        ]
        if len(lines) > len(right):
            faults.append(f"the check printed {len(lines)} lines, and not {len(right)}")
        mistakes = self._feedback(cell, lines) if faults else ()
        return CellVerdict(cell, 0 if faults else of, of, tuple(faults), mistakes)

    def mistakes(self, verdicts: Iterable[CellVerdict]) -> list[str]:
        """Feedback for the known mistakes that fail exactly the failed cells, else any of them."""
        failed = {verdict.cell: verdict.mistakes for verdict in verdicts if verdict.faults}
        whole = [
            wrong.says
            for wrong in self.wrong
            if set(wrong.prints) == set(failed)
            and all(wrong.says in feedback for feedback in failed.values())
        ]
        return list(dict.fromkeys(whole or [says for found in failed.values() for says in found]))

    def explain(self, right: str, yours: str | None) -> str | None:
        """Return in plain words how a line differs from the right one; None if they agree."""
        label, _, want = right.partition(": ")
        if yours is None or not yours.startswith(label + ": "):
            return f"{label}: the check did not get that far"
        have = yours[len(label) + 2 :]
        if want.startswith(MEASURED) and have.startswith(MEASURED):
            low, high = self.within[label]
            fine = low <= _number(have.removeprefix(MEASURED)) <= high
            return None if fine else f"{label}: you {have}; it should lie between {low} and {high}"
        if have == want:
            return None
        return f"{label}: {_difference(have, want)}"

    def _feedback(self, cell: str, lines: Sequence[str]) -> tuple[str, ...]:
        """Feedback for known wrong answers with exactly this output."""
        mark = fingerprint(lines)
        says = [wrong.says for wrong in self.wrong if wrong.prints.get(cell) == mark]
        return tuple(dict.fromkeys(says))


@dataclass(frozen=True)
class GivenCell:
    """One cell of the exercise as students get it."""

    id: str
    cell_type: str
    metadata: Mapping[str, Any]
    source: str


@dataclass(frozen=True)
class Record:
    """The record of the set named ``set``: tasks by id, and all cells in order."""

    set: str
    seed: int
    tasks: Mapping[str, TaskRecord]
    notebook: tuple[GivenCell, ...]

    def task_of(self, cell: str) -> TaskRecord | None:
        """Return the task that has this check cell; None if no task has it."""
        return next((task for task in self.tasks.values() if cell in task.cells), None)

    def given(self, task: str) -> str:
        """Return the source of a task's answer cell before anybody wrote in it."""
        answer = self.tasks[task].answer
        return next(cell.source for cell in self.notebook if cell.id == answer)


def read(path: Path) -> Record:
    """Read a record.

    Raises:
        ValueError: one sentence, for a file of another format, or a damaged one.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise Mismatch("it is no JSON object")
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}); {_repair(path)}") from None
    found = content.pop("format", None)
    if found != FORMAT:
        has = "no format number" if found is None else f"format {found!r}"
        raise ValueError(
            f"{path} has {has}, but this course reads format {FORMAT}; {_repair(path)}"
        )
    try:
        return decode(Record, content)
    except Mismatch as error:
        raise ValueError(f"{path} is damaged ({error}); {_repair(path)}") from None


def written(record: Record) -> str:
    """Return the text of a record's file."""
    content = {"format": FORMAT} | encode(record)
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def load(name: str, near: Path = Path()) -> Record | None:
    """Return the record of a set, from COURSEKIT_EXPECTED or the nearest folder upward, or None.

    A notebook that lies alone is judged too: after the folders above ``near`` come those above the
    working directory, and last the course that this engine belongs to.

    Raises:
        ValueError: as `read` does.
    """
    for folder in _folders(near):
        path = folder / f"{name}.json"
        if path.is_file():
            return read(path)
    return None


def load_all(near: Path = Path()) -> dict[str, Record]:
    """Return all records in the first of these folders that has any, by name.

    Raises:
        ValueError: as `read` does.
    """
    for folder in _folders(near):
        if found := sorted(folder.glob("[0-9][0-9]_*.json")):
            return {path.stem: read(path) for path in found}
    return {}


def _folders(near: Path) -> list[Path]:
    asked = os.environ.get("COURSEKIT_EXPECTED")
    if asked:
        return [near / asked]
    places = dict.fromkeys((*upward(near), *upward(), HERE.parent))
    return [place / folder for place in places for folder in FOLDERS]


def _repair(path: Path) -> str:
    return f"`git pull` brings the course up to date, `git checkout -- {path}` restores the file"


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


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
    return f"yours is {have}, which is wrong"
