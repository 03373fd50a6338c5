"""A student's day: check, hints, progress, hand-in, a new start. Nothing gets lost."""

import os
import zipfile
from pathlib import Path

import nbformat
import pytest
from exercise_kit import ROOT, edit, small_set
from test_pairs import jupyterlab

from coursekit import mine
from coursekit.__main__ import main
from coursekit.source.pairs import written
from coursekit.student import marking
from coursekit.student.marking import mark
from coursekit.student.notebook import read

NOTEBOOK = Path("work/exercises/01_small.ipynb")
STUB = '    raise NotImplementedError("square: your turn")'


@pytest.fixture
def course(small_course, monkeypatch):
    """A course with one small set, as a student gets it: without its solution, copies laid out."""
    monkeypatch.chdir(small_course)
    assert main(["open"]) == 0
    return small_course


def answer(source, *, before=None, cell="square-answer"):
    """Write an answer into the notebook, and perhaps another cell above it; as JupyterLab saves."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    place = next(k for k, each in enumerate(notebook.cells) if each.id == cell)
    notebook.cells[place].source = source
    if before is not None:
        notebook.cells.insert(place, nbformat.v4.new_code_cell(before))
    nbformat.write(notebook, NOTEBOOK)


def square(expression):
    return f"def square(x):\n    print('working')\n    return {expression}\n"


def only(submission=None):
    return mark(submission or read(NOTEBOOK))[0]


def test_the_table_gives_points_reason_mistake_and_the_next_hint(course, capsys):
    assert main(["check", "01"]) == 1
    said = capsys.readouterr().out
    assert said.startswith("Checking work/exercises/01_small.ipynb in a fresh kernel ...")
    assert "- 1 Square a map" in said and "0 of 100" in said and "not written yet" in said
    assert "Hint" not in said
    answer(square("x * x"))
    assert main(["check", str(NOTEBOOK)]) == 1
    said = capsys.readouterr().out
    assert "same shape, other values" in said and "working" not in said
    assert "\N{BALLOT X} 1 Square a map" in said
    mistake = "A known mistake: you lost the sign: a square is never negative"
    places = [said.index(text) for text in ("all tasks 0 of 100", mistake, "same shape")]
    assert places == sorted(places)  # the verdict first, then the mistake, then what differs
    assert "Hint 1 of 2: What happens to the sign" in said
    assert main(["check", "1"]) == 1
    assert "Hint 1 of 2" in capsys.readouterr().out  # the same answer: no other hint
    answer(square("x.missing()"))
    assert main(["check", "1"]) == 1
    said = capsys.readouterr().out
    assert "raises AttributeError" in said and "no attribute 'missing'" in said
    assert "line 3: return x.missing()" in said and "Hint 2 of 2: Multiply x by" in said
    answer(square("x * size(x)"), before="size = abs")  # an added cell travels with the answer
    assert main(["check", "1"]) == 0
    said = capsys.readouterr().out
    assert "all tasks 100 of 100" in said and "\N{CHECK MARK} 1 Square a map" in said
    assert "\033" not in said  # colours are for terminals
    assert main(["progress"]) == 0
    said = capsys.readouterr().out
    assert "01_small" in said and "100 of 100, 1 of 1 tasks" in said and "all sets" in said
    assert "Set 01: 100 of 100 points when last checked" in standing(course)


def standing(course):
    here = os.getcwd()
    os.chdir(course / "work/exercises")  # where the kernel of the notebook is
    try:
        return mine.standing("01_small")
    finally:
        os.chdir(here)


FAULTY = {
    "a syntax error": ("def square(x)\n    return x", "your cell does not run: SyntaxError"),
    "a forbidden module": ("import torchvision\n" + square("x * x.abs()"), "without torchvision"),
    "the end of Python": ("import os\n\n\ndef square(x):\n    os._exit(1)", "Python itself died"),
    "verdicts of its own": (
        "print('maps of (2, 3, 5, 7): agrees')\n" + square("x"),
        "same shape, other values",
    ),
}


@pytest.mark.parametrize("name", FAULTY)
def test_a_faulty_answer_costs_points_and_says_why(course, name):
    source, said = FAULTY[name]
    answer(source)
    found = only()
    assert found.points == 0 and said in found.reason


def test_what_the_grader_would_refuse_is_said_and_so_is_what_it_leaves_out(course, capsys):
    above = "helper = __import__('importlib')"
    answer("def square(x):\n    eval('0')\n    return x * x.abs()")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(above))
    nbformat.write(notebook, NOTEBOOK)
    assert main(["check", "1"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "The answer uses eval, which can reach any module unseen" in said
    assert "Your cell that begins \"helper = __import__('importlib')\" uses __import__" in said


def test_a_cell_that_never_ends_costs_its_points_and_no_more_time(course, monkeypatch):
    monkeypatch.setattr(marking, "CELL_LIMIT", 4)
    answer("def square(x):\n    return x\n\n\nwhile True:\n    pass")
    assert "it took too long in or after the cell" in only().reason


def test_checking_a_solution_is_nobodys_progress(course):
    solved = Path("solutions/01_small.ipynb")
    solved.parent.mkdir()
    answer(square("x * x.abs()"))
    solved.write_bytes(NOTEBOOK.read_bytes())
    assert main(["check", str(solved)]) == 0
    assert not list(course.glob("**/progress.json"))


def test_jupyterlab_opens_an_exercise_and_keeps_what_is_written_in_it(course):
    manager = jupyterlab(course)
    given = nbformat.read(NOTEBOOK, as_version=4)
    manager.save(manager.get(str(NOTEBOOK)), str(NOTEBOOK))
    assert nbformat.read(NOTEBOOK, as_version=4).cells == given.cells
    model = manager.get(str(NOTEBOOK))
    cell = next(each for each in model["content"].cells if each.id == "square-answer")
    cell.source = square("x * x.abs()").strip()
    manager.save(model, str(NOTEBOOK))
    saved = read(NOTEBOOK)
    assert saved.missing() == [] and saved.answer("square") == [cell.source]
    assert not NOTEBOOK.with_suffix(".py").exists()
    cells = {each.id: each for each in nbformat.read(NOTEBOOK, as_version=4).cells}
    assert cells["square"].metadata.task == {"difficulty": 1, "minutes": 5}
    assert cells["square-check"].metadata.points == 100


def test_only_the_answers_of_a_notebook_count(course):
    answer(square("x"))
    answer("check = print\nprint('square-check: 100 of 100 points')", cell="square-check")
    assert only().points == 0
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if not cell.id.startswith("square-answer")]
    nbformat.write(notebook, NOTEBOOK)
    assert "square-answer is not in this notebook any more" in only().reason


def test_another_editors_ids_another_place_or_name_cost_nothing(course, capsys):
    answer(square("x * size(x)"), before="size = abs")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for k, cell in enumerate(notebook.cells):
        cell.id, cell.metadata = f"colab-{k}", nbformat.from_dict({})
    notebook.cells.append(notebook.cells.pop(0))
    copy = NOTEBOOK.with_name("Copy of mine.ipynb")
    nbformat.write(notebook, copy)
    assert main(["check", str(copy)]) == 0
    assert main(["submit", str(copy)]) == 0
    capsys.readouterr()
    copy.write_text(copy.read_text()[:-200])  # an upload that broke off
    assert main(["check", str(copy)]) == 0
    assert "The file is damaged; whole cells that were saved" in capsys.readouterr().out


def test_an_answer_in_two_cells_is_one(course):
    answer("nowhere\n" + square("x"), before="size = abs")
    found = only()
    assert "your cell does not run: NameError" in found.reason


def test_a_percent_file_is_checked_as_well(course):
    twin = NOTEBOOK.with_suffix(".py")
    twin.write_text(written(nbformat.read(NOTEBOOK, as_version=4)))
    edit(twin, STUB, "    return x.abs() * x")
    found = only(read(twin))
    assert (found.points, found.reason) == (100, "")


@pytest.mark.parametrize("command", ["check", "submit"])
def test_what_does_not_open_is_said_in_one_sentence(course, capsys, command):
    for name, said in (
        ("7", "there is no exercise set '7'; the sets are 01"),
        ("01_smalll", "did you mean '01_small'?"),
        ("lost.ipynb", "there is no file lost.ipynb"),
    ):
        assert main([command, name]) == 2
        assert said in capsys.readouterr().err
    NOTEBOOK.write_text("{ half a note")
    assert main([command, "1"]) == 2
    assert "does not open as a notebook" in capsys.readouterr().err
    foreign = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 1")])
    nbformat.write(foreign, "work/foreign.ipynb")
    assert main([command, "work/foreign.ipynb"]) == 2
    assert "foreign.ipynb is no notebook of this course's exercise sets" in capsys.readouterr().err


def bundles():
    return sorted(Path("work/mine/hand_in").glob("*.zip"))


def test_a_hand_in_holds_the_notebook_if_nothing_is_missing(course, capsys):
    assert main(["submit", "1"]) == 1
    assert "not written yet: square-answer" in capsys.readouterr().out and not bundles()
    assert main(["submit", "1", "--partly"]) == 0 and len(bundles()) == 1
    bundles()[0].unlink()
    answer(square("x * x.abs()"))
    assert main(["submit", "1"]) == 0
    assert "saved just now" in capsys.readouterr().out
    with zipfile.ZipFile(bundles()[0]) as archive:
        assert archive.namelist() == ["01_small.ipynb"]
        assert archive.read("01_small.ipynb") == NOTEBOOK.read_bytes()


def test_a_percent_file_beside_it_with_other_answers_is_not_overlooked(course, capsys):
    twin = NOTEBOOK.with_suffix(".py")
    twin.write_text(written(nbformat.read(NOTEBOOK, as_version=4)))
    answer(square("x * x.abs()"))
    assert main(["submit", "1"]) == 0  # the twin has no answers
    edit(twin, STUB, "    return x")
    assert main(["submit", "1"]) == 1
    assert "01_small.py has other answers" in capsys.readouterr().out and len(bundles()) == 1
    assert main(["submit", str(NOTEBOOK)]) == 0


def test_a_new_start_keeps_dated_copies(course, capsys):
    given = NOTEBOOK.read_bytes()
    answer(square("x"))
    work = NOTEBOOK.read_bytes()
    assert main(["reset", "1"]) == 0
    assert capsys.readouterr().out.count("kept: work/mine/kept/01_small-") == 1
    assert NOTEBOOK.read_bytes() == given
    kept = list(Path("work/mine/kept").glob("*.ipynb"))
    assert [path.read_bytes() for path in kept] == [work]
    NOTEBOOK.write_text("{ half a note")
    assert main(["reset", "1"]) == 0  # even of what opens no more
    assert NOTEBOOK.read_bytes() == given
    assert "{ half a note" in [path.read_text() for path in Path("work/mine/kept").iterdir()]


def test_without_exercises_progress_says_where_to_go(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["progress"]) == 2
    assert f"lies in no course; go to {ROOT} first" in capsys.readouterr().err
    assert main(["mutants"]) == 2


def test_mutants_counts_what_is_caught(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    solution = small_set(tmp_path)
    assert main(["mutants", "1", "--seed", "5"]) == 0
    assert "6 of 6 wrong answers caught, 1 tasks in 1 sets" in capsys.readouterr().out
    edit(solution, "check.normal(*shape))", "check.uniform(*shape))")
    assert main(["mutants"]) == 1
    said = capsys.readouterr().out
    assert "5 of 6 wrong answers caught" in said and "'no-sign' gets full points" in said
