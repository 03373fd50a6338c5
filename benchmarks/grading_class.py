"""A class of 1,000 on a real set, one submission in ten faulty: does it end, and in linear time?"""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nbformat

from benchmarks.grading import REPOSITORY, SET, grade, level, solved
from coursekit.grader import pristine
from coursekit.grader.pristine import Pristine
from resattn.bench import Row

FAULTS = {
    "loops": "while True:\n    pass",
    "swallows interrupts": "while True:\n    try:\n        while True:\n            pass\n"
    "    except BaseException:\n        pass",
    "kills itself": "import os\nos.kill(os.getpid(), 9)",
    "exits": "import os\nos._exit(0)",
    "prints without end": "while True:\n    print('x' * 1000)",
    "raises": "raise RuntimeError('no')",
    "is no Python": "def (",
    "crashes": "import ctypes\nctypes.string_at(0)",
    "truncated file": None,
    "empty file": None,
}


def measure(size: int = 1000) -> Iterator[Row]:
    """Seconds in all, for each quarter, right ones with all points, rows that lack a reason."""
    exercises = pristine.read(REPOSITORY / "solutions" / f"{SET}.py")
    with tempfile.TemporaryDirectory() as name:
        folder, out = Path(name) / "class", Path(name) / "out"
        make(exercises, folder, size)
        spent = grade(exercises, folder, out, size, jobs=2)
        rows = [json.loads(path.read_text()) for path in (out / "results").glob("*.json")]
    yield f"{size:,} submissions, one in ten faulty, {level()}", f"{spent.whole / 60:.1f} min"
    marks = spent.marks
    quarters = [
        marks[size * k // 4 - 1] - (marks[size * (k - 1) // 4 - 1] if k > 1 else marks[0])
        for k in (1, 2, 3, 4)
    ]
    yield "seconds for each quarter", ", ".join(f"{seconds:.0f}" for seconds in quarters)
    yield "rows", f"{len(rows):,}"
    whole = sum(row["points"] == row["of"] > 0 for row in rows)
    right = sum(fault_of(k) is None for k in range(size))
    yield "right submissions, and those with all points", f"{right:,}, {whole:,}"
    yield "rows that lose points without a reason", str(sum(map(unexplained, rows)))


def fault_of(number: int) -> str | None:
    """What is wrong with a submission: every tenth has one of the faults, in turn."""
    return list(FAULTS)[number // 10 % len(FAULTS)] if number % 10 == 9 else None


def unexplained(result: dict) -> bool:
    """Whether a row loses points and does not say why."""
    if result["status"] == "unreadable":
        return not result["why"]
    return any(
        task["points"] < task["of"] and not task["reason"] for task in result["tasks"].values()
    )


def make(exercises: Pristine, folder: Path, size: int) -> None:
    """Write the class, a folder a student."""
    tasks = list(exercises.tasks.values())
    for k in range(size):
        notebook = solved(exercises, k)
        fault = fault_of(k)
        if fault and FAULTS[fault]:
            task = tasks[k // 100 % len(tasks)]
            cell = next(cell for cell in notebook.cells if cell.id == task.answer.id)
            cell.source = FAULTS[fault]
        text = nbformat.writes(notebook)
        cut = {"truncated file": len(text) // 2, "empty file": 0}.get(fault or "", len(text))
        place = folder / f"student{k:04}" / f"{exercises.name}.ipynb"
        place.parent.mkdir(parents=True)
        place.write_text(text[:cut], encoding="utf-8")
