"""Seconds a submission: `python -m coursekit grade` against nbgrader's autograde and otter run.

All grade twins of one real set: the same answers and checks, ours judged outside a shut-in kernel,
theirs by assertions in the notebook, as these tools do. A class of 21 is graded: the seconds of a
submission are those from the first one's end to the last one's, so that what is done once a class
counts for nobody (ours proves itself first); the seconds of the whole class stand beside them. The
rivals live in an environment of their own, which COURSEKIT_RIVALS names: the path of its Python.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import nbformat
import psutil
from nbformat import NotebookNode

from coursekit.grader import pristine
from coursekit.grader.pristine import Pristine
from coursekit.source.cut import cut
from coursekit.source.rehearse import right
from resattn.bench import Row

SET = "05_arl_fix"
CLASS = 21
REPOSITORY = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Spent:
    """Seconds of a class, from the command's start: the end of each submission, and of all."""

    marks: list[float]
    whole: float

    @property
    def one_more(self) -> float:
        """Seconds for one more submission."""
        return (self.marks[-1] - self.marks[0]) / (len(self.marks) - 1)

    def __str__(self) -> str:
        return f"{self.one_more:.2f} s a submission, {self.whole:.0f} s in all"

    def against(self, other: "Spent") -> str:
        """These seconds, and how many times as long as another took."""
        one, all_of_them = self.one_more / other.one_more, self.whole / other.whole
        return f"{self} ({one:.1f} and {all_of_them:.1f} times ours)"


def measure() -> Iterator[Row]:
    """Seconds of all three graders, then our memory with 21 and with 105 submissions."""
    exercises = pristine.read(REPOSITORY / "solutions" / f"{SET}.py")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        both = ours(exercises, folder / "a", CLASS, jobs=2)
        yield f"ours, set {SET}, two at a time, {level()}", str(both)
        yield "ours, one at a time", str(ours(exercises, folder / "b", CLASS, jobs=1))
        if rivals := os.environ.get("COURSEKIT_RIVALS"):
            printed = right(exercises.exercises)
            autograde = Nbgrader(rivals, exercises, printed, folder / "c").grade(CLASS)
            yield "nbgrader autograde", autograde.against(both)
            otter = Otter(rivals, exercises, printed, folder / "d").grade(CLASS)
            yield "otter run", otter.against(both)
        else:
            yield "nbgrader, otter", "not measured: COURSEKIT_RIVALS names no Python that has them"
        for count in (CLASS, 5 * CLASS):
            peak = memory(partial(ours, exercises, folder / f"m{count}", count, jobs=2))
            yield f"memory of the grader's own process, {count} submissions", f"{peak:.0f} MB"


def level() -> str:
    """How kernels are shut in here."""
    from coursekit.sandbox import levels

    return f"isolation {levels.best()}"


def ours(exercises: Pristine, folder: Path, count: int, jobs: int) -> Spent:
    """Grade a class of so many."""
    submissions = folder / f"class{count}"
    for k in range(count):
        place = submissions / f"student{k:03}"
        place.mkdir(parents=True)
        nbformat.write(solved(exercises, k), place / f"{exercises.name}.ipynb")
    return grade(exercises, submissions, folder / f"out{count}", count, jobs)


def grade(exercises: Pristine, submissions: Path, out: Path, count: int, jobs: int) -> Spent:
    """Call our command on a folder of so many submissions."""
    return timed(
        [
            sys.executable,
            "-m",
            "coursekit",
            "grade",
            submissions,
            "--jobs",
            jobs,
            "--out",
            out,
            "--sets",
            exercises.exercises.path.parent,
        ],
        lambda line: f" of {count}: " in line,
    )


def solved(exercises: Pristine, number: int) -> NotebookNode:
    """The exercise with the solution's answers, in a student's own copy."""
    made = cut(exercises.exercises, REPOSITORY / "exercises" / exercises.exercises.path.name)
    answers = {
        exercises.tasks[task].answer.id: cells[0] for task, cells in exercises.solution().items()
    }
    for cell in made.cells:
        if cell.id in answers:
            cell.source = f"{answers[cell.id]}\n\n# student {number}"
    return made


class Nbgrader:
    """The twin for nbgrader: each check cell is locked, and ends with an assertion."""

    def __init__(self, python: str, exercises: Pristine, printed: dict, folder: Path) -> None:
        self.command = Path(python).parent / "nbgrader"
        self.exercises, self.printed, self.folder = exercises, printed, folder

    def grade(self, count: int) -> Spent:
        """Autograde a class of so many."""
        course = self.folder / f"course{count}"
        source = course / "source" / "twin" / "twin.ipynb"
        source.parent.mkdir(parents=True)
        nbformat.write(self._notebook(0), source)
        (course / "nbgrader_config.py").write_text(
            "c = get_config()\nc.CourseDirectory.course_id = 'twin'\n"
            "c.ExecutePreprocessor.timeout = 120\n"
        )
        timed([self.command, "generate_assignment", "twin"], _never, course)
        for k in range(count):
            place = course / "submitted" / f"student{k:03}" / "twin" / "twin.ipynb"
            place.parent.mkdir(parents=True)
            nbformat.write(self._notebook(k), place)
        spent = timed(
            [self.command, "autograde", "twin"],
            lambda line: "Setting destination file permissions" in line,
            course,
        )
        graded = [
            path.read_text(encoding="utf-8")
            for path in (course / "autograded").glob("*/twin/twin.ipynb")
        ]
        right = sum('"output_type": "error"' not in text for text in graded)
        if right != count:
            raise RuntimeError(f"nbgrader found {right} of {count} twins right")
        return spent

    def _notebook(self, number: int) -> NotebookNode:
        cells = [nbformat.v4.new_code_cell(_QUIET)]
        for cell in twin_cells(self.exercises, self.printed, number):
            made = nbformat.v4.new_code_cell(cell["source"], id=cell["id"])
            if cell["kind"] != "given":
                check = cell["kind"] == "check"
                made.metadata.nbgrader = {
                    "schema_version": 3,
                    "grade_id": cell["id"],
                    "grade": check,
                    "locked": check,
                    "solution": not check,
                    "task": False,
                    **({"points": 1} if check else {}),
                }
            cells.append(made)
        return nbformat.v4.new_notebook(cells=cells, metadata=_KERNEL)


class Otter:
    """The twin for otter: the checks of each task are a test file, run after the notebook."""

    def __init__(self, python: str, exercises: Pristine, printed: dict, folder: Path) -> None:
        self.command, self.folder = Path(python).parent / "otter", folder
        folder.mkdir()
        cells = twin_cells(exercises, printed, 0)
        self.archive = folder / "autograder.zip"
        with zipfile.ZipFile(self.archive, "w") as archive:
            archive.writestr("otter_config.json", json.dumps({"lang": "python"}))
            for task in exercises.exercises.tasks:
                checks = {check.id for check in task.checks}
                source = "\n".join(cell["source"] for cell in cells if cell["id"] in checks)
                archive.writestr(f"tests/{task.id}.py", _ok_test(task.id, source))
        self.tests = len(exercises.exercises.tasks)
        self.twin = folder / "twin.ipynb"
        given = [_QUIET, *(cell["source"] for cell in cells if cell["kind"] != "check")]
        nbformat.write(
            nbformat.v4.new_notebook(
                cells=[nbformat.v4.new_code_cell(source) for source in given], metadata=_KERNEL
            ),
            self.twin,
        )

    def grade(self, count: int) -> Spent:
        """Grade so many, one after the other: the command takes one at a time."""
        out = self.folder / "out"
        out.mkdir()
        marks = [0.0]
        for _ in range(count):
            command = [self.command, "run", "-a", self.archive, self.twin, "-o", out]
            marks.append(marks[-1] + timed(command, _never).whole)
        tests = json.loads((out / "results.json").read_text())["tests"]
        if sum(test.get("score", 0) for test in tests) != self.tests:
            raise RuntimeError("otter gave the solution less than all points")
        return Spent(marks, marks[-1])


_KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
_QUIET = "import os\n\nos.environ['COURSEKIT_CHECK'] = 'values'"


def twin_cells(exercises: Pristine, printed: dict, number: int) -> list[dict]:
    """The solved set, cell by cell; its checks assert what they should print."""
    answers = {
        exercises.tasks[task].answer.id: cells[0] for task, cells in exercises.solution().items()
    }
    cells = []
    for cell in exercises.exercises.code():
        if cell.id in printed:
            source = f"{cell.source}\nassert check.lines == {printed[cell.id]!r}"
            cells.append({"id": cell.id, "kind": "check", "source": source})
        elif cell.id in answers:
            source = f"{answers[cell.id]}\n\n# student {number}"
            cells.append({"id": cell.id, "kind": "answer", "source": source})
        else:
            cells.append({"id": cell.id, "kind": "given", "source": cell.source})
    return cells


def _ok_test(name: str, source: str) -> str:
    code = (
        ">>> import contextlib, io\n>>> with contextlib.redirect_stdout(io.StringIO()):\n"
        f"...     exec({source!r}, globals())\n"
    )
    case = {"code": code, "hidden": False, "locked": False}
    suite = {"cases": [case], "scored": True, "setup": "", "teardown": "", "type": "doctest"}
    return f"OK_FORMAT = True\n\ntest = { ({'name': name, 'points': 1, 'suites': [suite]})!r}\n"


def _never(_: str) -> bool:
    return False


def timed(command: list, ends: Callable[[str], bool], folder: Path | None = None) -> Spent:
    """Seconds of a command, which says on a line of its own that a submission's end is there.

    Raises RuntimeError if it fails.
    """
    paths = f"{Path(command[0]).parent}{os.pathsep}{os.environ['PATH']}"  # nbgrader calls alembic
    variables = os.environ | {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1", "PATH": paths}
    start, marks, said = time.perf_counter(), [], []
    with subprocess.Popen(
        list(map(str, command)),
        cwd=folder,
        env=variables,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        for line in process.stdout or ():
            said.append(line)
            if ends(line):
                marks.append(time.perf_counter() - start)
    if process.returncode:
        raise RuntimeError(f"{command[0]} failed: {''.join(said)[-500:]}")
    return Spent(marks, time.perf_counter() - start)


def memory(action: Callable[[], object]) -> float:
    """The most that the grader's process had in memory while the action ran, in MB."""
    peak, over = 0, threading.Event()

    def look() -> None:
        nonlocal peak
        while not over.wait(0.1):
            for child in psutil.Process().children():
                try:
                    peak = max(peak, child.memory_info().rss)
                except psutil.Error:
                    continue

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        action()
    finally:
        over.set()
        watcher.join()
    return peak / 2**20
