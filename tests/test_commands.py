"""The commands that guides and workflows name, where no other test runs them."""

import csv
import importlib
import io
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
from coursekit.commands import COMMANDS
from coursekit.grader import grade as grader
from coursekit.grader.results import failed
from coursekit.source.execute import execute
from coursekit.terminal import Progress, paint
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
    python.write_text(  # the packages whose types are checked are not in this house
        f'#!/bin/sh\n[ "$2" = mypy ] && exit\nexec "{sys.executable}" "$@"\n'
    )
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
    """The lines of docs/grading.md themselves, with this set's name."""
    guide = (ROOT / "docs/grading.md").read_text(encoding="utf-8")
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

    def graded(options, exercises, session, engine, readings, ready):
        for entry, _ in readings:
            yield failed(entry, exercises, RuntimeError("made up"))

    monkeypatch.setattr(grader, "open_engine", nullcontext)
    monkeypatch.setattr(grader.levels, "best", lambda: "plain")
    monkeypatch.setattr(grader, "_grade_set", graded)
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


MISTAKES = [
    (["chekc", "5"], "there is no command 'chekc'; did you mean 'check'?"),
    (["whatever"], "there is no command 'whatever'; there are doctor"),
    (["--verison"], "there is no option '--verison'; did you mean '--version'?"),
    ([], "give a command: doctor"),
    (["check"], "arguments are required: exercise"),
    (["check", "5", "6"], "there is no further argument '6'"),
    (["submit", "5", "--partyl"], "there is no option '--partyl'; did you mean '--partly'?"),
    (["grade", "a", "--out", "b", "--isolation", "plian"], "did you mean 'plain'?"),
    (["mutants", "--seed", "x"], "--seed: invalid int value: 'x'"),
]


@pytest.mark.parametrize(("words", "said"), MISTAKES)
def test_a_mistyped_argument_is_answered_with_what_was_meant(words, said, capsys):
    with pytest.raises(SystemExit) as left:
        course_main(words)
    shown = capsys.readouterr().err
    assert left.value.code == 2 and said in shown and "--help` shows how" in shown
    assert shown.startswith("coursekit") and "\033" not in shown


ALONE = """
import sys
from coursekit.__main__ import main
from coursekit.commands import COMMANDS
for words in (["--version"], ["--help"], ["chekc"], *([name, "--help"] for name in COMMANDS),
              *([name, "--nonsense"] for name in COMMANDS)):
    try:
        main(words)
    except SystemExit:
        pass
    else:
        raise AssertionError(f"{words} ran")
print(sorted({"torch", "numpy", "nbformat", "jupytext", "nbclient", "IPython", "resattn"}
             & {*sys.modules}))
"""


def test_help_and_mistakes_are_answered_before_anything_heavy_is_imported():
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("\n[]\n") and done.stdout.startswith("coursekit ")


def test_every_command_has_something_to_run():
    for name, command in COMMANDS.items():
        assert callable(importlib.import_module(command.module).run), name


def test_a_package_that_an_interrupted_install_left_out_is_named(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "coursekit.student.progress", None)
    assert course_main(["progress"]) == 2
    said = capsys.readouterr().err
    assert "coursekit.student.progress is not installed; run `make lab` once" in said


def test_an_interrupted_command_ends_in_one_sentence(monkeypatch, capsys):
    def stop(options):
        raise KeyboardInterrupt

    monkeypatch.setattr("coursekit.student.progress.run", stop)
    assert course_main(["progress"]) == 130
    assert "stopped; what was saved before is as it was" in capsys.readouterr().err


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self):
        return True


def test_colours_are_for_terminals_that_want_them(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert paint("bad", "red", Screen()) == "\033[31mbad\033[0m"
    assert paint("bad", "red", io.StringIO()) == "bad"
    monkeypatch.setenv("TERM", "dumb")
    assert paint("bad", "red", Screen()) == "bad"
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert paint("bad", "red", Screen()) == "bad"


def test_progress_is_one_line_of_a_terminal_and_taken_away():
    for stream in (screen := Screen(), plain := io.StringIO()):
        with Progress(stream) as progress:
            progress.say("task 1 of 6")
    assert "task 1 of 6" in screen.getvalue() and screen.getvalue().endswith("\r\033[K")
    assert plain.getvalue() == ""
