"""A small set, students who answer it well and badly, and the grader called from a shell."""

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import nbformat
import pytest
from nbformat import NotebookNode

from coursekit.grader import pristine
from coursekit.source.cut import cut
from coursekit.source.markers import YOUR_WORDS

SETS = Path(__file__).parent / "small_class" / "solutions"
NAME = "77_small"
SMALL = pristine.read(SETS / f"{NAME}.py")
FULL = {"square": 25, "merge": 25, "gate": 30, "noise": 15}
SOLUTION = {task: cells[0] for task, cells in SMALL.solution().items()}


@dataclass(frozen=True)
class Case:
    """One submission, and the points that are fair for it: full, where nothing else is said.

    ``answers`` replaces answers by task; ``file`` is the whole file instead.
    """

    name: str
    answers: Mapping[str, str] = field(default_factory=dict)
    fair: Mapping[str, tuple[int, int] | int] = field(default_factory=dict)
    file: bytes | None = None
    ending: str = "ipynb"
    status: str = "graded"
    says: Mapping[str, str] = field(default_factory=dict)  # by task: words that its reason has
    sample: bool = False  # the others of its family wait for `make test-all`

    def content(self) -> bytes:
        """What is handed in."""
        return as_bytes(notebook(self.answers)) if self.file is None else self.file

    def as_sample(self) -> Self:
        """Return the case as one that stands for its family in `make test`."""
        return replace(self, sample=True)


def tiers(cases: Iterable[Case]) -> list:
    """Return a test's parameters, the names of the cases: those that are no sample are slow."""
    return [
        pytest.param(case.name, marks=() if case.sample else pytest.mark.slow) for case in cases
    ]


def selected(request: pytest.FixtureRequest) -> set[str]:
    """Return the names that this module's selected tests have as parameter, or in `cases`."""
    names: set[str] = set()
    for item in request.session.items:
        if getattr(item, "module", None) is request.module:
            for mark in item.iter_markers("cases"):
                names.update(mark.args)
            if hasattr(item, "callspec"):
                names.add(item.callspec.params.get("name", ""))
    return names


def notebook(answers: Mapping[str, str] = SOLUTION) -> NotebookNode:
    """The exercise with the solution's answers, or others."""
    made = cut(SMALL.exercises, Path("exercises") / f"{NAME}.py")
    by_cell = {task.answer.id: (SOLUTION | dict(answers))[task.id] for task in SMALL.tasks.values()}
    for cell in made.cells:
        cell.source = by_cell.get(cell.id, cell.source)
        if cell.id == "gate-words":
            cell.source = cell.source.replace(YOUR_WORDS, "It pools.")
    return made


def as_bytes(made: NotebookNode) -> bytes:
    """A notebook as JupyterLab saves it."""
    return nbformat.writes(made).encode()


def write_class(folder: Path, cases: Iterable[Case]) -> Path:
    """A folder of submissions, a student's folder each."""
    for case in cases:
        place = folder / case.name / f"{NAME}.{case.ending}"
        place.parent.mkdir(parents=True)
        place.write_bytes(case.content())
    return folder


def grade(folder: Path, out: Path, *options: str, sets: Path = SETS) -> subprocess.CompletedProcess:
    """Call the command; fails if it does."""
    command = [
        sys.executable,
        "-m",
        "coursekit",
        "grade",
        str(folder),
        "--out",
        str(out),
        "--sets",
        str(sets),
        *options,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def results(out: Path) -> dict[str, dict]:
    """The results by student."""
    found = (json.loads(path.read_text()) for path in (out / "results").glob("*.json"))
    return {result["student"]: result for result in found}


def unfair(case: Case, result: dict) -> list[str]:
    """What is not fair about a case's result."""
    faults = []
    if result["status"] != case.status:
        faults.append(f"status {result['status']} ({result['why']}), and not {case.status}")
    for task, full in FULL.items() if result["status"] != "unreadable" else ():
        fair = case.fair.get(task, full)
        low, high = fair if isinstance(fair, tuple) else (fair, fair)
        got = result["tasks"][task]
        if not low <= got["points"] <= high:
            faults.append(f"{task}: {got['points']} of {full}, fair is {fair}: {got['reason']}")
        if case.says.get(task, "") not in got["reason"] + got["withheld"] + got["mistake"]:
            faults.append(f"{task}: the reason is {got['reason']!r}")
        if got["points"] < full and not got["reason"]:
            faults.append(f"{task}: points are lost without a reason")
    return faults
