"""A rehearsal is run again when anything that it depends on has changed, and only then."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from exercise_kit import edit, small_set

from coursekit.sandbox import package
from coursekit.source import cache, rehearse
from coursekit.source.cache import Cache
from coursekit.source.tasks import read_set

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course that teaches the package `toy`, with an engine of its own; is the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text('[tool.coursekit]\npackage = "toy"\n')
    for name, text in {
        "__init__.py": "",
        "part.py": "from toy.deep import inner\n",
        "deep/__init__.py": "",
        "deep/inner.py": "x = 1\n",
        "deep/numbers.csv": "1\n",
        "unused.py": "x = 1\n",
    }.items():
        path = tmp_path / "toy" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    shutil.copytree(ROOT / "coursekit", tmp_path / "coursekit")
    monkeypatch.setattr(package, "ENGINE", tmp_path / "coursekit")
    source = small_set(tmp_path)
    edit(source, "from coursekit.checks", "import toy.part\nfrom coursekit.checks")
    yield source
    for name in [name for name in sys.modules if name.partition(".")[0] == "toy"]:
        del sys.modules[name]


@pytest.fixture
def runs(monkeypatch):
    """The answers that are run, in order: real ones, so that what is kept is what they print."""
    done, real = [], rehearse.run

    def run(cells, *, seed):
        done.append(dict(cells)["square-answer"])
        return real(cells, seed=seed)

    monkeypatch.setattr(rehearse, "run", run)
    return done


def test_an_unchanged_set_is_not_run_again(course, runs):
    first = rehearse.rehearse(read_set(course))
    assert len(runs) == 3 + 6
    again = rehearse.rehearse(read_set(course))
    assert len(runs) == 3 + 6
    assert [(r.right, r.stub, r.different, r.wrong) for r in again] == [
        (r.right, r.stub, r.different, r.wrong) for r in first
    ]
    assert [r.record for r in again] == [r.record for r in first]


def test_only_an_answer_that_has_changed_is_run_again(course, runs):
    rehearse.rehearse(read_set(course))
    runs.clear()
    edit(course.with_suffix(".toml"), 'new = "x * x * x"', 'new = "x * x * x * x"')
    rehearse.rehearse(read_set(course))
    assert len(runs) == 1 and "x * x * x * x" in runs[0]


CHANGES = {
    "a check": ("solutions/01_small.py", 'Check("square-check")', 'Check("square-check")  # new'),
    "the setup": ("solutions/01_small.py", "import toy.part", "import toy.part  # new"),
    "a taught module": ("toy/part.py", "inner", "inner  # new"),
    "a module that this one imports": ("toy/deep/inner.py", "1", "2"),
    "the data of a package": ("toy/deep/numbers.csv", "1", "2"),
    "the checks": ("coursekit/checks/check.py", "import copy", "import copy  # new"),
    "what checks print": ("coursekit/checks/digest.py", "import math", "import math  # new"),
    "how cells are run": ("coursekit/source/cells.py", "import io", "import io  # new"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_a_set_depends_on_runs_it_again(what, course, runs):
    rehearse.rehearse(read_set(course))
    runs.clear()
    name, old, new = CHANGES[what]
    edit(Path(name), old, new)
    rehearse.rehearse(read_set(course))
    assert len(runs) == 3 + 6


def test_what_it_does_not_depend_on_does_not(course, runs, monkeypatch):
    rehearse.rehearse(read_set(course))
    runs.clear()
    edit(Path("toy/unused.py"), "1", "2")
    edit(Path("coursekit/report/__init__.py"), '"""', '"""New: ')
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setenv("MKL_NUM_THREADS", "7")
    rehearse.rehearse(read_set(course))
    assert runs == []


def test_another_seed_runs_it_again(course, runs):
    rehearse.rehearse(read_set(course), seed=0)
    runs.clear()
    rehearse.rehearse(read_set(course), seed=1)
    assert len(runs) == 3 + 6


@pytest.mark.parametrize(
    "change",
    [
        lambda patch: patch.setattr(cache, "_installed", lambda: [("torch", "1.0")]),
        lambda patch: patch.setattr(sys, "version", "3.99"),
        lambda patch: patch.setattr("platform.machine", lambda: "abacus"),
        lambda patch: patch.setenv("ATEN_CPU_CAPABILITY", "of another processor"),
    ],
    ids=["library", "Python", "machine", "processor"],
)
def test_another_environment_has_other_entries(change, course, monkeypatch):
    before = cache.environment(["import toy.part"])
    assert cache.environment(["import toy.part"]) == before
    change(monkeypatch)
    assert cache.environment(["import toy.part"]) != before


def test_the_installed_versions_are_those_of_the_libraries():
    assert {"torch", "numpy", "pytest"} <= {name for name, _ in cache._installed()}


def test_a_cell_that_is_no_python_has_an_environment_too(course):
    assert cache.environment(["def ("]) == cache.environment([])


CELLS = [("one", "print(1)"), ("two", "print(2)")]
PRINTED = {"one": ["1"], "two": ["2", "a line: \u00e9"]}


def kept(folder: Path) -> tuple[Cache, Path]:
    """A cache with one entry, and its file."""
    filled = Cache(folder, "here")
    assert filled.printed(CELLS, 0, lambda: PRINTED) == PRINTED
    assert filled.printed(CELLS, 0, lambda: pytest.fail("it runs again")) == PRINTED
    (path,) = folder.iterdir()
    return filled, path


def other_entry(path: Path) -> str:
    """An entry that is whole, and of another key."""
    Cache(path.parent / "other", "there").printed(CELLS, 0, dict)
    (other,) = (path.parent / "other").iterdir()
    return other.read_text()


DAMAGES = {
    "empty": lambda path: "",
    "cut off": lambda path: path.read_text()[:-9],
    "another line": lambda path: path.read_text().replace("2", "3"),
    "no entry": lambda path: "[1, 2]",
    "no lines": lambda path: "{}",
    "null": lambda path: "null",
    "no text": lambda path: "\udcff",
    "of another key": other_entry,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_ignored_and_replaced(damage, tmp_path):
    filled, path = kept(tmp_path)
    path.write_text(DAMAGES[damage](path), errors="surrogateescape")
    assert filled.printed(CELLS, 0, lambda: {"new": ["3"]}) == {"new": ["3"]}
    assert filled.printed(CELLS, 0, lambda: pytest.fail("it runs again")) == {"new": ["3"]}


def test_a_run_that_fails_is_not_kept(tmp_path):
    def fail():
        raise RuntimeError("broken")

    empty = Cache(tmp_path, "here")
    for _ in range(2):
        with pytest.raises(RuntimeError, match="broken"):
            empty.printed(CELLS, 0, fail)
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path):
    (tmp_path / "file").write_text("no folder")
    closed = Cache(tmp_path / "file" / "rehearsals", "here")
    assert closed.printed(CELLS, 0, lambda: PRINTED) == PRINTED
    assert closed.printed(CELLS, 0, dict) == {}


def test_entries_that_nobody_uses_are_dropped(tmp_path):
    folder = tmp_path / ".cache" / "rehearsals"
    filled, path = kept(folder)
    old = path.stat().st_mtime - (cache.KEPT + 1) * 24 * 3600
    os.utime(path, (old, old))
    filled.printed(CELLS, 0, dict)  # used again: it stays
    filled.printed(CELLS, 1, dict)
    (other,) = set(folder.iterdir()) - {path}
    os.utime(other, (old, old))
    cache.opened(tmp_path, [])
    assert list(folder.iterdir()) == [path]


BUSY = """
import sys
from pathlib import Path
from coursekit.source.cache import Cache

shared = Cache(Path(sys.argv[1]), "here")
for k in range(300):
    cells = [("one", str(k % 5))]
    lines = {"one": [str(k % 5)] * 500}
    if k % 3 == 0:
        for path in Path(sys.argv[1]).glob("*.json"):
            path.unlink(missing_ok=True)
    assert shared.printed(cells, 0, lambda: lines) == lines
"""


def test_two_processes_write_at_once(tmp_path):
    running = [
        subprocess.Popen([sys.executable, "-c", BUSY, str(tmp_path)], stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    for process in running:
        _, said = process.communicate(timeout=300)
        assert process.returncode == 0, said.decode()
    assert all(json.loads(path.read_text())["printed"] for path in tmp_path.iterdir())
