"""The results of grading as dataclasses, and the one place that reads and writes them as JSON.

The grader makes a `SubmissionResult` per student and set, and a `Session` per class; every report
is made from these two. Their files carry a format number: a file of another format is refused by
one sentence, and a resumed run grades its submission anew.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from coursekit.dataclass_json import Mismatch, decode, encode

FORMAT = 1
"""Number of the file format; raise it when a field changes its name, type or meaning."""

STATUSES = ("graded", "partly", "unreadable")


@dataclass(frozen=True)
class CellResult:
    """Points of one check cell, and one sentence per line that differs from the right one."""

    points: int
    of: int
    faults: tuple[str, ...]
    hidden: bool


@dataclass(frozen=True)
class TaskResult:
    """Result of one task.

    Attributes:
        points: given by the checks; 0 while they are withheld.
        of: the points that the checks can give.
        manual_of: the points that the instructor can give for the words.
        words: the free text; None if the task asks for none, or none was found.
        found: how the answer was recognised, such as "by its cell id".
        reason: why points are lost, in the student's words; empty if none are.
        mistake: feedback for a known mistake that the answer makes, else empty.
        withheld: why the points wait for the instructor, else empty.
        answer: the code that was run.
        cells: the check cells by id.
    """

    number: int
    title: str
    points: int
    of: int
    manual_of: int
    words: str | None
    found: str
    withheld: str
    mistake: str
    reason: str
    answer: str
    cells: Mapping[str, CellResult]

    @property
    def counted(self) -> int:
        """Points that count before any mark: none while they are withheld."""
        return 0 if self.withheld else self.points


@dataclass(frozen=True)
class SubmissionResult:
    """Result of one file: of a student's set, or of a file that belongs to no set.

    Attributes:
        sha256: of the file's bytes; empty if it could not be read.
        when: time of submission in UTC, ISO 8601, if known.
        ids: the student's ids in the learning platforms that export them, by platform.
        status: one of `STATUSES`.
        why: the reason, unless the whole file was graded.
        notes: what was repaired while reading the file, one sentence each.
    """

    student: str
    set: str | None
    path: str
    sha256: str
    when: str | None
    ids: Mapping[str, str]
    status: str
    why: str
    notes: tuple[str, ...]
    tasks: Mapping[str, TaskResult]

    @property
    def points(self) -> int:
        """Points of all tasks."""
        return sum(task.points for task in self.tasks.values())

    @property
    def of(self) -> int:
        """Points that the checks of all tasks can give."""
        return sum(task.of for task in self.tasks.values())

    def without_texts(self) -> "SubmissionResult":
        """Return the result without answers and words; a whole class of these fits in memory."""
        tasks = {name: replace(task, answer="", words=None) for name, task in self.tasks.items()}
        return replace(self, tasks=tasks)


@dataclass(frozen=True)
class GradedTask:
    """One task of a graded set; ``given`` is the answer cell as students got it."""

    number: int
    title: str
    of: int
    manual_of: int
    given: str = ""

    @property
    def full(self) -> int:
        """All points, by checks and for words."""
        return self.of + self.manual_of


@dataclass(frozen=True)
class GradedSet:
    """One exercise set that was graded: its title, and its tasks by id."""

    title: str
    tasks: Mapping[str, GradedTask]

    @property
    def of(self) -> int:
        """All points of all tasks."""
        return sum(task.full for task in self.tasks.values())


@dataclass(frozen=True)
class Session:
    """One grading of a class: the settings that all submissions share, and the graded sets."""

    seed: int
    isolation: str
    isolation_says: str
    started: str
    versions: Mapping[str, str]
    sets: Mapping[str, GradedSet] = field(default_factory=dict)


def result_as_json(result: SubmissionResult) -> dict[str, Any]:
    """Return the fields of a result for a file, with its sums before its tasks."""
    content = encode(result)
    tasks = content.pop("tasks")
    return content | {"points": result.points, "of": result.of, "tasks": tasks}


def written_result(result: SubmissionResult, session: str) -> str:
    """Return the text of a result's file; ``session`` says what the result depends on."""
    content = {"format": FORMAT, "session": session} | result_as_json(result)
    return json.dumps(content, indent=1, ensure_ascii=True) + "\n"


def read_result(path: Path) -> tuple[str, SubmissionResult]:
    """Return what `written_result` put into a file: the session, and the result.

    Raises:
        ValueError: one sentence, for a damaged file or another format.
    """
    repair = "call this again with --resume, which grades that submission anew"
    content = _content(path, "no whole result", repair)
    try:
        session = content.pop("session")
        sums = content.pop("points"), content.pop("of")
        result = decode(SubmissionResult, content)
        if isinstance(session, str) and sums == (result.points, result.of):
            return session, result
    except (KeyError, Mismatch):
        pass
    raise ValueError(f"{path} is no whole result; {repair}")


def session_as_json(session: Session) -> dict[str, Any]:
    """Return the fields of a session for a file."""
    return encode(session)


def written_session(session: Session) -> str:
    """Return the text of a session's file."""
    return json.dumps({"format": FORMAT} | session_as_json(session), indent=1) + "\n"


def read_session(path: Path) -> Session:
    """Return what `written_session` put into a file.

    Raises:
        ValueError: one sentence, for a damaged file or another format.
    """
    repair = "name its seed with --seed to grade all anew there, or give another --out"
    content = _content(path, "no whole session", repair)
    try:
        return decode(Session, content)
    except Mismatch as error:
        raise ValueError(f"{path} is no whole session ({error}); {repair}") from None


def _content(path: Path, damaged: str, repair: str) -> dict[str, Any]:
    """Return the fields of a file of this format, without the format's number."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise ValueError(f"{path} is {damaged}; {repair}")
    found = content.pop("format", None)
    if found != FORMAT or isinstance(found, bool):
        has = "has no format number" if found is None else f"has format {found!r}"
        raise ValueError(f"{path} {has}, but this coursekit reads format {FORMAT}; {repair}")
    return content
