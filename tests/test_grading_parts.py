"""What a kernel sees of the package, where answers reach, a grader that proves itself or stops."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from grading_kit import NAME, SETS, SMALL, Case, write_class
from nbformat import NotebookNode

from coursekit.checks.static_checks import not_allowed, tree, workarounds
from coursekit.grader.references import Reference
from coursekit.grader.runs import CellRun, NotebookRun, RunLog, read_log
from coursekit.grader.scoring import Scorer
from coursekit.report.model import TaskResult
from coursekit.sandbox import levels, package
from coursekit.sandbox.launch import Sandbox
from coursekit.sandbox.limits import Limits
from coursekit.source.rehearse import rehearse
from coursekit.submissions.matching import FoundAnswer, Match


def modules(*sources: str) -> set[str]:
    return set(package.needed(sources))


def test_a_kernel_sees_what_its_set_needs_and_no_more():
    seen = modules("from coursekit.checks import Check\nfrom resattn.units import PreActBottleneck")
    assert {"resattn.units", "coursekit.checks.check", "coursekit.sandbox.guard"} <= seen
    assert not seen & {
        "coursekit.checks.Check",
        "resattn.attention",
        "resattn.gates",
        "resattn.masks",
        "coursekit.grader.references",
        "coursekit.source.rehearse",
    }


@pytest.mark.parametrize(
    "source",
    [
        "import resattn\nmodel = resattn.attention56()",
        "from resattn import create_model",
        "def f():\n    from resattn import create",
        "import resattn.create as c",
    ],
)
def test_what_is_fetched_by_name_or_late_is_seen_with_all_that_it_needs(source):
    assert {"resattn.create", "resattn.network", "resattn.attention"} <= modules(source)


def test_the_copy_works_by_itself_with_its_data(tmp_path):
    package.copy(["from resattn.data import ClutteredDigits"], tmp_path)
    code = (
        "import resattn, sys; from resattn.data import ClutteredDigits; "
        "print(resattn.__file__, len(ClutteredDigits('train', 8)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(tmp_path)},
    )
    assert done.stdout.split() == [str(tmp_path / "resattn" / "__init__.py"), "8"], done.stderr
    assert not (tmp_path / "resattn" / "attention.py").exists()


@pytest.mark.parametrize(
    ("source", "ways"),
    [
        ("import importlib", ["importlib"]),
        ("__import__('os')", ["__import__"]),
        ("from sys import modules", ["sys.modules"]),
        ("import sys\nsys.modules", ["modules"]),
        ("f.__globals__", ["__globals__"]),
        ("getattr(f, '__globals__')", ["__globals__"]),
        ("x = !ls", ["get_ipython"]),
        ("%run other.py", ["get_ipython"]),
        ("import gc", ["gc"]),
        ("exec('x = 1')", ["exec"]),
        ("import os\nos.system('x')", ["os.system"]),
        ("shell = (lambda _, it: it)('time', get_ipython())", ["get_ipython"]),
        ("get_ipython().run_line_magic('run', 'other.py')", ["get_ipython"]),
        ("print('matplotlib', get_ipython)", ["get_ipython"]),
    ],
)
def test_ways_around_the_imports_are_seen(source, ways):
    assert set(ways) <= set(workarounds([source]))


@pytest.mark.parametrize(
    "source",
    [
        "%matplotlib inline\nx = 1",
        "model.eval()",
        "import re\nre.compile('a')",
        "import math, functools, dataclasses",
        "async def f():\n    await g()",
        "getattr(self, name)",
        "%%time\nx = 1",
    ],
)
def test_plain_code_is_not_suspected(source):
    assert workarounds([source]) == [] and not_allowed([source], ()) == []


def test_modules_are_held_against_what_the_task_allows():
    sources = ["import resattn.units", "from resattn import gates", "import torchvision"]
    assert not_allowed(sources, ["resattn.units"]) == ["resattn.gates", "torchvision"]


@pytest.mark.parametrize(
    ("kept", "tail", "cells", "broke_in", "why"),
    [
        (0, "", "", None, "its judge was ended"),
        (1, "", "", "a", "its judge was ended"),
        (2, "", "a", None, ""),
        (3, '{"cell": "b", "ru', "a", "b", "its judge was ended"),
        (4, "", "ab", None, ""),
        (6, "", "ab", "c", "ended by the signal SIGKILL"),
    ],
)
def test_the_log_of_a_run_is_read_however_far_it_got(kept, tail, cells, broke_in, why, tmp_path):
    log, done = RunLog(tmp_path), CellRun(True, "a: 1\n\u2028\udcff", "", "")
    for cell, dead in ("a", ""), ("b", ""), ("c", "ended by the signal SIGKILL"):
        log.begin(cell)
        log.end(cell, done, called=True, dead=dead)
    path = tmp_path / "cells.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:kept]) + tail)
    assert read_log(tmp_path, "was ended") == NotebookRun(dict.fromkeys(cells, done), broke_in, why)


def test_what_cannot_run_has_no_tree():
    assert tree("def f(:") is None and tree("x = 1\0") is None and tree("x = 1") is not None


def test_no_copy_of_the_package_is_among_the_systems_files(tmp_path):
    package_folder, other = tmp_path / "lib" / "resattn", tmp_path / "lib" / "torch"
    for folder in (package_folder, other):
        folder.mkdir(parents=True)
    assert levels._without(str(tmp_path), str(package_folder)) == [str(other)]
    shown = levels.system(package.hidden())
    for folder in package.hidden():
        assert not any((folder / "__init__.py").is_relative_to(path) for path in shown)


def test_packages_borrowed_from_another_environment_can_be_read(tmp_path, monkeypatch):
    borrowed = tmp_path / "site-packages"
    borrowed.mkdir()
    monkeypatch.setattr(sys, "path", [*sys.path, str(borrowed), str(tmp_path)])
    shown = levels.system(package.hidden())
    assert str(borrowed) in shown and str(tmp_path) not in shown


def changed(tmp_path: Path, old: str, new: str) -> Path:
    """The small set with one change, in a private folder."""
    sets = tmp_path / "private" / "solutions"
    shutil.copytree(SETS, sets)
    source = sets / f"{NAME}.py"
    text = source.read_text()
    assert text.count(old) == 1
    source.write_text(text.replace(old, new))
    return sets


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "    return x * x.abs()",
            "    import time\n\n    return x * x.abs() * time.time()",
            "must not depend on where or in what order it runs",
        ),
        pytest.param(
            "# %% merge [markdown]",
            "# %% helper\nsquare = lambda x: x * x.abs()  # noqa: E731\n\n# %% merge [markdown]",
            "the unsolved exercise gets",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "    return (1 + mask) * trunk",
            "    return (1 + mask) * trunk + 0 * square(trunk)",
            "the solution without its answer 'square' gets 0 points for 'merge'",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_set_on_which_the_grader_cannot_be_fair_stops_it(tmp_path, old, new, says):
    """A solution that changes, a helper that gives answers away, a task that needs another."""
    sets, folder = changed(tmp_path, old, new), write_class(tmp_path / "class", [Case("anna")])
    out = tmp_path / "out"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "coursekit",
            "grade",
            str(folder),
            "--out",
            str(out),
            "--sets",
            str(sets),
            "--seed",
            "1",
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and says in done.stderr, done.stdout + done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not list((out / "results").glob("*.json"))


def scored(run: Callable[[NotebookNode], NotebookRun]) -> dict[str, TaskResult]:
    """The solution's result, with an engine that runs notebooks so."""
    engine = SimpleNamespace(run=lambda notebook, sandbox: run(notebook))
    record = {
        each.task.id: each.recorded(each.task.checks) for each in rehearse(SMALL.exercises, 0)
    }
    scorer = Scorer(
        SMALL,
        Reference({}, record),
        engine,
        Sandbox("plain", Path(), seed=0, threads=1, limits=Limits()),
    )
    answers = {name: FoundAnswer(tuple(cells), "") for name, cells in SMALL.solution().items()}
    return scorer.score(Match(answers, {}, (), ()))


@pytest.mark.parametrize(
    ("broke_in", "why", "guilty", "told"),
    [
        (
            "gate-answer",
            "took longer than 30 s in all",
            "",
            "the time for the whole notebook was over",
        ),
        ("setup", "its judge ended", "", "its judge ended"),
        ("gate-answer", "ended by the signal SIGKILL", "gate", "ended by the signal SIGKILL"),
    ],
)
def test_only_who_broke_a_run_off_is_told_so(broke_in, why, guilty, told):
    for name, task in scored(lambda notebook: NotebookRun({}, broke_in, why)).items():
        begins = "your code broke the run off: " if name == guilty else "not run: "
        assert task.points == 0 and task.reason.startswith(begins)
        assert not guilty or name != guilty or task.reason == begins + told
        assert guilty or task.reason.startswith(begins + told)


def test_what_an_interrupted_answer_left_is_not_blamed_on_the_next():
    runs = []

    def run(notebook):
        there = [
            name
            for name, cells in SMALL.solution().items()
            if any(cell.source == cells[0] for cell in notebook.cells)
        ]
        runs.append(there)
        if "merge" not in there:
            return NotebookRun({}, None, "")
        late = CellRun(False, "", "took longer than 30 s", "")
        return NotebookRun({"merge-answer": late}, "gate-answer", "started more than 48 processes")

    reasons = {name: task.reason for name, task in scored(run).items()}
    assert reasons["merge"] == "your code broke the run off: started more than 48 processes"
    assert not any("broke" in reasons[name] for name in ("square", "gate", "noise"))
    assert runs == [["square", "merge", "gate", "noise"], ["square", "gate", "noise"], ["merge"]]
