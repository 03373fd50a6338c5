"""The commands that guides and workflows name, where no other test runs them."""

import csv
import os
import re
import shutil
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import nbformat
import pytest
from exercise_kit import small_set
from grading_kit import SETS, Case, write_class

from coursekit.__main__ import main as course_main
from coursekit.grader import grade as grader
from coursekit.grader import results as stored
from coursekit.source.execute import execute
from resattn.__main__ import main

ROOT = Path(__file__).resolve().parents[1]

posix = pytest.mark.skipif(os.name == "nt", reason="no make and no sh: Windows goes through conda")


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A small course with this Makefile; its `.venv` is the Python that runs this."""
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "setup_env.py").touch()  # test_environment tries the true one
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    small_set(tmp_path)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_one.py").write_text("def test_one():\n    assert 1 < 2\n")
    (tmp_path / "tests" / "test_two.py").write_text("def test_two():\n    assert 2 < 3\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@posix
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["lint"], "All checks passed"),
        (["build"], "solutions/01_small.ipynb: executed"),
        (["doctor"], "OK    Python 3"),
        (["test"], "2 passed"),
        (["test", "TEST_ARGS=tests/test_one.py"], "1 passed"),
    ],
)
def test_make_does_what_it_says(house, words, told):
    done = subprocess.run(
        ["make", *words, f"PYTHON={sys.executable}"], cwd=house, text=True, capture_output=True
    )
    assert told in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0 or words == ["doctor"]  # which may find little memory


@posix
def test_a_private_set_is_copied_and_built(house, capsys):
    """The lines of GRADING.md themselves, with this set's name."""
    guide = (ROOT / "GRADING.md").read_text(encoding="utf-8")
    block = next(
        each
        for each in re.findall(r"```sh\n(.*?)```", guide, re.DOTALL)
        if each.startswith("mkdir -p private/solutions")
    )
    copying, made = block.replace("05_arl_fix", "01_small").split("python -m coursekit build ")
    assert "\ncp solutions/01_small.py" in copying
    subprocess.run(["sh", "-ec", copying], check=True)
    assert course_main(["build", made.strip()]) == 0
    assert Path("private/exercises/expected/01_small.json").exists()
    assert "private/exercises/01_small.ipynb: made" in capsys.readouterr().out


def test_a_quick_look_at_a_completed_exercise(house):
    assert course_main(["build", "solutions/01_small.py"]) == 0
    path = Path("exercises/01_small.ipynb")
    notebook = nbformat.read(path, as_version=4)
    answer = next(cell for cell in notebook.cells if cell.id == "square-answer")
    lines = [line for line in answer.source.splitlines() if "NotImplementedError" not in line]
    answer.source = "\n".join([*lines, "    return x * x.abs()"])
    execute(notebook, path.parent)
    nbformat.write(notebook, path)

    def look():
        words = [sys.executable, "-m", "pytest", "--nbval-lax", str(path)]
        return subprocess.run(words, capture_output=True, text=True)

    assert " passed" in (fine := look()).stdout and fine.returncode == 0, fine.stdout
    answer.source = answer.source.replace("return", "raise ValueError #")
    nbformat.write(notebook, path)
    assert "raises ValueError" in (odd := look()).stdout and odd.returncode == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["results"], "### units (small scale)"),
        (["results", "width"], "| masked-m1 |"),
        (["train", "width", "--scale", "small"], "18 of 18 runs are recorded"),
    ],
)
def test_results_are_printed_and_not_run_again(words, told, capsys, monkeypatch):
    monkeypatch.delattr("resattn.experiments.train._execute")
    assert main(words) == 0
    assert told in capsys.readouterr().out


def test_the_papers_table_is_printed_by_its_command(capsys, monkeypatch):
    """The table itself, which takes a while, is compared in test_readme."""
    monkeypatch.setattr("resattn.experiments.tables.paper_table", lambda: "the paper's table")
    assert main(["results", "paper"]) == 0
    assert capsys.readouterr().out == "the paper's table\n"


def test_late_days_are_counted_by_the_command(tmp_path, monkeypatch):
    """What is graded is made up, so that no kernel is needed; the rest is the command's own."""

    def graded(options, pristine, session, judges, handed, ready):
        for entry, _ in handed:
            yield entry, stored.failed(entry, pristine, RuntimeError("made up"))

    monkeypatch.setattr(grader.engine, "opened", nullcontext)
    monkeypatch.setattr(grader.levels, "best", lambda: "plain")
    monkeypatch.setattr(grader, "_graded", graded)
    folder, out = write_class(tmp_path / "in", [Case("anna")]), tmp_path / "out"
    (tmp_path / "deadlines.csv").write_text("set,deadline\n77,2001-01-01\n")
    assert (
        course_main(
            [
                "grade",
                str(folder),
                "--out",
                str(out),
                "--sets",
                str(SETS),
                "--unsafe",
                "--deadlines",
                str(tmp_path / "deadlines.csv"),
            ]
        )
        == 0
    )
    (row,) = csv.DictReader((out / "grades.csv").read_text("utf-8-sig").splitlines())
    assert int(row["late_days"]) > 9000
