"""The results of a grading run on disk: one file a student and set, each whole or not there."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from coursekit.files import safe_name, write_whole
from coursekit.grader.pristine import Pristine
from coursekit.grader.scoring import Judge
from coursekit.submissions.matching import match
from coursekit.submissions.reading import Reading
from coursekit.submissions.survey import Entry


def graded(judge: Judge, entry: Entry, reading: Reading) -> dict:
    """The result of a submission that could be read."""
    found = match(reading.cells, judge.pristine.given)
    tasks = judge.grade(found)
    lost = [
        judge.pristine.tasks[name].title for name, each in found.answers.items() if not each.sources
    ]
    why = f"no answer cell was found for: {', '.join(lost)}" if lost else ""
    return _result(
        entry,
        tasks,
        "partly" if lost else "graded",
        why,
        [*entry.notes, *reading.notes, *found.notes],
    )


def unreadable(entry: Entry) -> dict:
    """The result of a file that is no notebook of a set."""
    return _result(entry, {}, "unreadable", entry.why, entry.notes)


def failed(entry: Entry, pristine: Pristine, error: Exception) -> dict:
    """The result where the grader itself failed: nothing is known, and it says so.

    It is of no session, so that a resumed run tries again.
    """
    why = f"the grader failed on it and gives no points: {type(error).__name__}: {error}"[:500]
    tasks = {
        name: {
            "number": task.number,
            "title": task.title,
            "points": 0,
            "of": task.points - (task.words.metadata.manual if task.words else 0),
            "manual_of": task.words.metadata.manual if task.words else 0,
            "words": None,
            "found": "",
            "reason": why,
            "mistake": "",
            "withheld": "",
            "answer": "",
            "cells": {},
        }
        for name, task in pristine.tasks.items()
    }
    return _result(entry, tasks, "unreadable", why, entry.notes) | {"session": ""}


def _result(entry: Entry, tasks: dict, status: str, why: str, notes) -> dict:
    return {
        "student": entry.student,
        "set": entry.set,
        "path": entry.path,
        "sha256": entry.sha256,
        "when": entry.when,
        "ids": dict(entry.ids),
        "status": status,
        "why": why,
        "notes": list(notes),
        "points": sum(task["points"] for task in tasks.values()),
        "of": sum(task["of"] for task in tasks.values()),
        "tasks": tasks,
    }


class Results:
    """The folder `results/` of a grading run."""

    def __init__(self, out: Path) -> None:
        self.folder = out / "results"

    def path(self, entry: Entry) -> Path:
        """The file of an entry's result."""
        parts = (entry.student, entry.set) if entry.set else (entry.student, "unknown", entry.path)
        return self.folder / ("--".join(map(safe_name, parts)) + ".json")

    def write(self, entry: Entry, result: dict, session: str) -> None:
        """Keep a result, and which session it is of."""
        text = json.dumps({"session": session} | result, indent=1, ensure_ascii=True)
        write_whole(self.path(entry), text + "\n")

    def done(self, entry: Entry, session: str) -> bool:
        """Whether this very file was graded in this session already."""
        try:
            old = _read(self.path(entry))
        except (OSError, ValueError):
            return False
        return (old["sha256"], old["session"]) == (entry.sha256, session)

    def clear(self, entries: list[Entry]) -> None:
        """Remove what is of no entry: files that were taken back."""
        current = {self.path(entry) for entry in entries}
        for path in self.folder.glob("*.json"):
            if path not in current:
                path.unlink()

    def __iter__(self) -> Iterator[dict]:
        for path in sorted(self.folder.glob("*.json")):
            result = _read(path)
            result.pop("session")
            yield result


def _read(path: Path) -> dict:
    """A result file. Raises ValueError, one sentence, for one that is not whole."""
    with contextlib.suppress(ValueError):
        result = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(result, dict) and {"session", "sha256", "tasks"} <= set(result):
            return result
    raise ValueError(
        f"{path} is no whole result; call this again with --resume, which grades "
        "that submission anew"
    )
