"""Seconds a submission: `python -m resattn grade` against nbgrader's autograde and otter run.

All grade twins of one real set: the same answers and checks, ours judged outside a shut-in kernel,
theirs by assertions in the notebook, as these tools do. A submission's seconds are the slope
between a class of one and a class of 21, so that what is done once a class counts for nobody. The
rivals live in an environment of their own, which RESATTN_RIVALS names: the path of its Python.
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
from pathlib import Path

import nbformat
import psutil
from nbformat import NotebookNode

import resattn
from resattn.bench import Row
from resattn.classroom.cut import cut
from resattn.classroom.rehearse import right
from resattn.grading import pristine
from resattn.grading.pristine import Pristine

SET = "05_arl_fix"
CLASS = 20
REPOSITORY = Path(resattn.__file__).parents[1]


def measure() -> Iterator[Row]:
    """Slopes of all three graders, then our memory with 20 and with 100 submissions."""
    exercises = pristine.read(REPOSITORY / "solutions" / f"{SET}.py")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        both = slope(lambda count: ours(exercises, folder / "a", count, jobs=2))
        one = slope(lambda count: ours(exercises, folder / "b", count, jobs=1))
        yield f"ours, set {SET}, two at a time, {level()}", f"{both:.2f} s a submission"
        yield "ours, one at a time", f"{one:.2f} s a submission"
        if rivals := os.environ.get("RESATTN_RIVALS"):
            printed = right(exercises.exercises)
            autograde = slope(Nbgrader(rivals, exercises, printed, folder / "c").grade)
            yield "nbgrader autograde", f"{autograde:.2f} s, {autograde / both:.1f} times ours"
            otter = Otter(rivals, exercises, printed, folder / "d").grade(CLASS) / CLASS
            yield "otter run", f"{otter:.2f} s, {otter / both:.1f} times ours"
        else:
            yield "nbgrader, otter", "not measured: RESATTN_RIVALS names no Python that has them"
        for count in (CLASS, 5 * CLASS):
            peak = memory(lambda count=count: ours(exercises, folder / f"m{count}", count, jobs=2))
            yield f"memory of the grader's own process, {count} submissions", f"{peak:.0f} MB"


def slope(grade: Callable[[int], float]) -> float:
    """Seconds for one more submission."""
    return (grade(CLASS + 1) - grade(1)) / CLASS


def level() -> str:
    """How kernels are shut in here."""
    from resattn.grading.kernels import levels

    return f"isolation {levels.best()}"


def ours(exercises: Pristine, folder: Path, count: int, jobs: int) -> float:
    """Seconds for a class of so many."""
    submissions = folder / f"class{count}"
    for k in range(count):
        place = submissions / f"student{k:03}"
        place.mkdir(parents=True)
        nbformat.write(solved(exercises, k), place / f"{exercises.name}.ipynb")
    return timed([
        sys.executable, "-m", "resattn", "grade", str(submissions), "--jobs", str(jobs),
        "--out", str(folder / f"out{count}"), "--sets", str(exercises.exercises.path.parent)])


def solved(exercises: Pristine, number: int) -> NotebookNode:
    """The exercise with the solution's answers, in a student's own copy."""
    made = cut(exercises.exercises, REPOSITORY / "exercises" / exercises.exercises.path.name)
    answers = {exercises.tasks[task].answer.id: cells[0]
               for task, cells in exercises.solution().items()}
    for cell in made.cells:
        if cell.id in answers:
            cell.source = f"{answers[cell.id]}\n\n# student {number}"
    return made


class Nbgrader:
    """The twin for nbgrader: each check cell is locked, and ends with an assertion."""

    def __init__(self, python: str, exercises: Pristine, printed: dict, folder: Path) -> None:
        self.command = Path(python).parent / "nbgrader"
        self.exercises, self.printed, self.folder = exercises, printed, folder

    def grade(self, count: int) -> float:
        """Seconds to autograde a class of so many."""
        course = self.folder / f"course{count}"
        source = course / "source" / "twin" / "twin.ipynb"
        source.parent.mkdir(parents=True)
        nbformat.write(self._notebook(0), source)
        (course / "nbgrader_config.py").write_text(
            "c = get_config()\nc.CourseDirectory.course_id = 'twin'\n"
            "c.ExecutePreprocessor.timeout = 120\n")
        timed([self.command, "generate_assignment", "twin"], course)
        for k in range(count):
            place = course / "submitted" / f"student{k:03}" / "twin" / "twin.ipynb"
            place.parent.mkdir(parents=True)
            nbformat.write(self._notebook(k), place)
        spent = timed([self.command, "autograde", "twin"], course)
        graded = list((course / "autograded").glob("*/twin/twin.ipynb"))
        if len(graded) != count:
            raise RuntimeError(f"nbgrader graded {len(graded)} of {count} twins")
        return spent

    def _notebook(self, number: int) -> NotebookNode:
        cells = [nbformat.v4.new_code_cell(_QUIET)]
        for cell in twin_cells(self.exercises, self.printed, number):
            made = nbformat.v4.new_code_cell(cell["source"], id=cell["id"])
            if cell["kind"] != "given":
                check = cell["kind"] == "check"
                made.metadata.nbgrader = {
                    "schema_version": 3, "grade_id": cell["id"], "grade": check, "locked": check,
                    "solution": not check, "task": False, **({"points": 1} if check else {})}
            cells.append(made)
        return nbformat.v4.new_notebook(cells=cells, metadata=_KERNEL)


class Otter:
    """The twin for otter: each check is a test file, run after the notebook."""

    def __init__(self, python: str, exercises: Pristine, printed: dict, folder: Path) -> None:
        self.command, self.folder = Path(python).parent / "otter", folder
        folder.mkdir()
        cells = twin_cells(exercises, printed, 0)
        self.archive = folder / "autograder.zip"
        with zipfile.ZipFile(self.archive, "w") as archive:
            archive.writestr("otter_config.json", json.dumps({"lang": "python"}))
            for cell in cells:
                if cell["kind"] == "check":
                    name = cell["id"].replace("-", "_")
                    archive.writestr(f"tests/{name}.py", _ok_test(name, cell["source"]))
        self.twin = folder / "twin.ipynb"
        given = [_QUIET, *(cell["source"] for cell in cells if cell["kind"] != "check")]
        nbformat.write(nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in given], metadata=_KERNEL),
            self.twin)

    def grade(self, count: int) -> float:
        """Seconds to grade so many, one after the other, as the command does."""
        out = self.folder / "out"
        out.mkdir()
        spent = 0.0
        for _ in range(count):
            spent += timed([self.command, "run", "-a", self.archive, self.twin, "-o", out])
        tests = json.loads((out / "results.json").read_text())["tests"]
        if sum(test.get("score", 0) for test in tests) <= 0:
            raise RuntimeError("otter gave the solution no points")
        return spent


_KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
_QUIET = "import os\n\nos.environ['RESATTN_CHECK'] = 'values'"


def twin_cells(exercises: Pristine, printed: dict, number: int) -> list[dict]:
    """The solved set, cell by cell; its checks assert what they should print."""
    answers = {exercises.tasks[task].answer.id: cells[0]
               for task, cells in exercises.solution().items()}
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
    case = {"code": f">>> exec({source!r}, globals())\n", "hidden": False, "locked": False}
    suite = {"cases": [case], "scored": True, "setup": "", "teardown": "", "type": "doctest"}
    return f"OK_FORMAT = True\n\ntest = {({'name': name, 'points': 1, 'suites': [suite]})!r}\n"


def timed(command: list, folder: Path | None = None) -> float:
    """Wall-clock seconds of a command. Raises RuntimeError if it fails."""
    variables = os.environ | {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    start = time.perf_counter()
    done = subprocess.run(list(map(str, command)), cwd=folder, env=variables,
                          capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {(done.stderr or done.stdout)[-500:]}")
    return time.perf_counter() - start


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
