"""A student's copies: made, renewed, never overwritten; the course's new text brought over."""

import errno
import json
import os
import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from exercise_kit import ROOT, edit

from coursekit.__main__ import main
from coursekit.checks.record import load, load_all
from coursekit.source.pairs import written
from coursekit.student import given
from coursekit.student.notebook import read
from coursekit.student.work import find, refresh

EXERCISE = Path("work/exercises/01_small.ipynb")
LESSON = Path("work/course/00_start.ipynb")
RECORD = Path("exercises/expected/01_small.json")
ANSWER = "def square(x):\n    return x * x.abs()"


@pytest.fixture
def course(small_course, monkeypatch):
    """The root of a small course, which is the working directory."""
    monkeypatch.chdir(small_course)
    return small_course


@pytest.fixture
def opened(course):
    """The same, with its copies laid out."""
    assert main(["open"]) == 0
    return course


def tree(folder="."):
    """The content of all files below a folder."""
    return {path: path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def write(cell, source, path=EXERCISE, more=()):
    """Write into a cell of a notebook, and add cells below it, as an editor saves them."""
    notebook = nbformat.read(path, as_version=4)
    k = next(k for k, each in enumerate(notebook.cells) if each.id == cell)
    notebook.cells[k].source = source
    notebook.cells[k + 1 : k + 1] = more
    nbformat.write(notebook, path)


def sources(path=EXERCISE):
    return {cell.id: cell.source for cell in nbformat.read(path, as_version=4).cells}


def new_version_of_the_exercise():
    """The course changes a task's text and adds a check, as `git pull` would bring it."""
    edit(RECORD, "Task 1: ", "Task 1 (new): ")


def new_version_of_the_lesson(old="print(1 + 1)", new="print(1 + 2)"):
    edit(Path("course/00_start.ipynb"), old, new)


def test_copies_are_made_once_and_hold_what_the_course_gives(opened, capsys):
    tracked = Path("exercises/01_small.ipynb"), Path("course/00_start.ipynb")
    assert EXERCISE.read_bytes() == tracked[0].read_bytes()
    assert LESSON.read_bytes() == tracked[1].read_bytes()
    assert {path.name for path in Path("work/course").iterdir()} == {
        "00_start.ipynb",
        "glossary.md",
    }
    before = tree()
    capsys.readouterr()
    assert main(["open"]) == 0
    assert tree() == before and "made:" not in capsys.readouterr().out


def test_every_exercise_of_the_course_is_made_from_its_record_byte_for_byte():
    for name, record in load_all(ROOT).items():
        tracked = (ROOT / "exercises" / f"{name}.ipynb").read_text(encoding="utf-8")
        assert given.exercise(record) == tracked, name


def test_links_between_copies_lead_somewhere_and_others_are_plain_text():
    """Those of the whole course, in Markdown cells and pages."""
    laid = dict(given.given_files(ROOT))
    places = {f"/{name}" for name in laid}
    found = 0
    for name, data in laid.items():
        texts = [data.decode()] if name.endswith(".md") else []
        if name.endswith(".ipynb"):
            cells = given.cells_of(data)
            texts = [cell["source"] for cell in cells if cell["cell_type"] == "markdown"]
        for link in (link for text in texts for link in given._LINK.finditer(text)):
            target = os.path.normpath(f"/{Path(name).parent.as_posix()}/{link[2]}")
            assert target in places, f"{name}: {link[0]}"
            found += 1
    assert found > 30


def test_a_link_out_of_the_folder_is_plain_text(opened):
    page = Path("work/course/glossary.md").read_text()
    assert page.startswith("[Set 01](../exercises/01_small.ipynb), the tests, [the paper](https:")


def test_a_copy_that_nobody_touched_follows_the_course(opened, capsys):
    new_version_of_the_exercise()
    new_version_of_the_lesson()
    capsys.readouterr()
    assert main(["open"]) == 0
    said = capsys.readouterr().out
    assert "new version: work/exercises/01_small.ipynb" in said
    assert "Task 1 (new): " in sources()["square"] and "1 + 2" in sources(LESSON)["sum"]
    assert not Path("work/mine/kept").exists()


def test_a_copy_that_was_only_run_follows_too_and_its_outputs_are_kept(opened):
    notebook = nbformat.read(LESSON, as_version=4)
    notebook.metadata.kernelspec.display_name = "Python 3 (ipykernel)"
    notebook.cells[2].execution_count = 7
    nbformat.write(notebook, LESSON)
    ran = LESSON.read_bytes()
    assert main(["open"]) == 0 and LESSON.read_bytes() == ran
    edit(Path("course/00_start.ipynb"), '"2\\n"', '"two\\n"')  # only a stored output is new
    assert main(["open"]) == 0 and LESSON.read_bytes() == ran
    new_version_of_the_lesson()
    assert main(["open"]) == 0 and "1 + 2" in sources(LESSON)["sum"]
    assert [path.read_bytes() for path in Path("work/mine/kept").iterdir()] == [ran]


def test_a_copy_with_an_answer_is_never_changed_but_reported_and_updated(opened, capsys):
    note = nbformat.v4.new_markdown_cell("My idea: the sign.", id="my-note")
    write("square-answer", ANSWER, more=[note, nbformat.v4.new_code_cell("size = abs", id="own")])
    before = EXERCISE.read_bytes()
    new_version_of_the_exercise()
    capsys.readouterr()
    for command in (["open"], ["open"], ["progress"]):
        assert main(command) == 0
        assert EXERCISE.read_bytes() == before
    assert "01_small.ipynb has changed upstream: `python -m coursekit update 01`" in (
        capsys.readouterr().out
    )
    assert main(["update", "1"]) == 0
    said = capsys.readouterr().out
    assert "new or changed: square" in said and "is kept as work/mine/kept/01_small-" in said
    assert [path.read_bytes() for path in Path("work/mine/kept").iterdir()] == [before]
    cells = sources()
    assert "Task 1 (new): " in cells["square"] and cells["square-answer"] == ANSWER
    assert "My idea: the sign." in cells.values() and "size = abs" in cells.values()
    nbformat.validate(nbformat.read(EXERCISE, as_version=4))
    assert read(EXERCISE).missing() == []
    assert main(["update"]) == 0
    assert "up to date already" in capsys.readouterr().out


def test_an_update_finds_answers_whose_cells_lost_their_ids(opened):
    write("square-answer", ANSWER)
    notebook = nbformat.read(EXERCISE, as_version=4)
    for k, cell in enumerate(notebook.cells):
        cell.id, cell.metadata = f"other-{k}", nbformat.from_dict({})
    nbformat.write(notebook, EXERCISE)
    new_version_of_the_exercise()
    assert main(["update", "01"]) == 0
    cells = sources()
    assert cells["square-answer"] == ANSWER and "Task 1 (new): " in cells["square"]
    assert len(cells) == len(load("01_small").notebook)


def test_an_update_of_an_unanswered_task_leaves_one_stub(opened):
    note = nbformat.v4.new_markdown_cell("To do on Sunday", id="note")
    write("square-answer", sources()["square-answer"], more=[note])
    new_version_of_the_exercise()
    assert main(["update"]) == 0
    cells = list(sources().values())
    assert sum("your turn" in cell for cell in cells) == 1 and "To do on Sunday" in cells


def test_a_lesson_keeps_guesses_and_own_cells_through_an_update(opened):
    own = nbformat.v4.new_code_cell("guess * 2", id="mine")
    write("guess", "guess = 3", LESSON, more=[own])
    new_version_of_the_lesson()
    assert main(["open"]) == 0 and "1 + 1" in sources(LESSON)["sum"]
    assert main(["update", "0"]) == 0
    assert list(sources(LESSON).values())[1:] == ["guess = 3", "guess * 2", "print(1 + 2)"]
    write("sum", "print(5)", LESSON)
    new_version_of_the_lesson("print(1 + 2)", "print(1 + 3)")  # both changed one cell
    assert main(["update", "0"]) == 0
    assert list(sources(LESSON).values())[3:] == ["print(1 + 3)", "print(5)"]


def test_two_cells_with_one_id_do_not_hide_an_answer(opened):
    content = json.loads(EXERCISE.read_text())
    k = next(k for k, cell in enumerate(content["cells"]) if cell["id"] == "square-answer")
    content["cells"].insert(k, content["cells"][k] | {"source": ANSWER})
    EXERCISE.write_text(json.dumps(content))
    before = EXERCISE.read_bytes()
    new_version_of_the_exercise()
    assert main(["open"]) == 0 and EXERCISE.read_bytes() == before
    assert main(["update", "1"]) == 0
    text = EXERCISE.read_text()
    assert "Task 1 (new): " in text and "return x * x.abs()" in text


def test_a_damaged_copy_is_left_alone_and_updated_only_when_asked(opened):
    EXERCISE.write_text("{ half a note")
    new_version_of_the_exercise()
    assert main(["open"]) == 0 and EXERCISE.read_text() == "{ half a note"
    assert main(["update", "1"]) == 0 and "Task 1 (new): " in sources()["square"]
    assert "{ half a note" in [path.read_text() for path in Path("work/mine/kept").iterdir()]


def test_without_the_ledger_nothing_is_overwritten(opened):
    write("square-answer", ANSWER)
    before = EXERCISE.read_bytes()
    for text in ("{", None):
        Path("work/mine/given.json").unlink()
        if text:
            Path("work/mine/given.json").write_text(text)
        assert main(["open"]) == 0 and EXERCISE.read_bytes() == before
    new_version_of_the_exercise()
    assert main(["open"]) == 0 and EXERCISE.read_bytes() == before


def test_what_the_course_drops_is_taken_back_unless_it_was_used(opened, capsys):
    write("guess", "guess = 3", LESSON)
    Path("course/00_start.ipynb").unlink()
    Path("course/glossary.md").unlink()
    capsys.readouterr()
    assert main(["open"]) == 0
    assert "00_start.ipynb is no longer in the course; your copy stays" in capsys.readouterr().out
    assert LESSON.exists() and not Path("work/course/glossary.md").exists()
    assert main(["open"]) == 0
    assert "no longer" not in capsys.readouterr().out


@pytest.mark.parametrize("place", [".", "work", "work/exercises", "course", "work/mine"])
def test_numbers_are_understood_anywhere_in_the_course(opened, place, monkeypatch):
    monkeypatch.chdir(place)
    assert find("1").resolve() == opened / EXERCISE
    assert find("01_small").resolve() == opened / EXERCISE
    assert main(["reset", "1"]) == 0 and main(["progress"]) == 0


def test_a_notebook_that_lies_alone_is_judged_by_the_record_of_the_course(opened, tmp_path):
    write("square-answer", ANSWER)
    alone = tmp_path / "downloads" / "01 (1).ipynb"
    alone.parent.mkdir()
    shutil.copy(EXERCISE, alone)
    found = read(alone)
    assert found.name == "01_small" and found.missing() == []
    assert found.home == opened / "work/mine"


def test_a_folder_that_was_handed_out_alone_works_too(course, tmp_path, monkeypatch):
    given_out = Path(shutil.copytree("exercises", tmp_path / "week 3"))
    monkeypatch.chdir(given_out)
    assert find("1") == Path("01_small.ipynb")
    assert read(find("1")).home.resolve() == given_out / "mine"


def old_place(name="01_small.ipynb", source=ANSWER):
    path = Path("exercises", name)
    if name.endswith(".py"):
        path.write_text(written(nbformat.read("exercises/01_small.ipynb", as_version=4)))
        edit(path, '    raise NotImplementedError("square: your turn")', "    return x * x.abs()")
    else:
        write("square-answer", source, path)
    return path.read_bytes()


@pytest.mark.parametrize("name", ["01_small.ipynb", "01_small.py"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_answers_in_the_old_place_are_taken_over_and_stay_there(course, capsys, name, when):
    if when == "after":
        assert main(["open"]) == 0
    Path("exercises/mine/kept").mkdir(parents=True)
    Path("exercises/mine/progress.json").write_text('{"01_small": {"points": 3}}')
    Path("exercises/mine/kept/01_small-old.ipynb").write_text("{}")
    old = old_place(name)
    assert main(["open"]) == 0
    said = capsys.readouterr().out
    assert f"exercises/{name} has answers of yours: they are now in work/exercises/01_small" in said
    assert Path("exercises", name).read_bytes() == old
    assert read(EXERCISE).answer("square")[-1].endswith("return x * x.abs()")
    assert json.loads(Path("work/mine/progress.json").read_text())["01_small"]["points"] == 3
    assert Path("work/mine/kept/01_small-old.ipynb").exists()
    assert main(["open"]) == 0
    assert "yours" not in capsys.readouterr().out  # said once


def test_other_answers_in_the_old_place_overwrite_none(opened, capsys):
    write("square-answer", ANSWER)
    before = EXERCISE.read_bytes()
    old = old_place(source="def square(x):\n    return x * x")
    assert main(["open"]) == 0
    assert "has other answers than work/exercises/01_small.ipynb: a copy is kept as" in (
        capsys.readouterr().out
    )
    assert EXERCISE.read_bytes() == before
    assert [path.read_bytes() for path in Path("work/mine/kept").iterdir()] == [old]


def test_an_old_notebook_that_was_only_run_is_not_taken_for_work(opened, capsys):
    path = Path("exercises/01_small.ipynb")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].execution_count = 3
    nbformat.write(notebook, path)
    capsys.readouterr()
    assert main(["open"]) == 0
    assert "yours" not in capsys.readouterr().out and not Path("work/mine/kept").exists()


def test_the_times_of_files_decide_nothing(opened):
    write("square-answer", ANSWER)
    before = EXERCISE.read_bytes()
    for early in (EXERCISE, Path("exercises/01_small.ipynb")):
        for path in (EXERCISE, Path("exercises/01_small.ipynb")):
            os.utime(path, (0, 0) if path == early else (10**9, 10**9))
        assert main(["open"]) == 0 and EXERCISE.read_bytes() == before


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS], ids=errno.errorcode.get)
def test_a_full_or_read_only_disk_costs_one_sentence_and_nothing_else(
    opened, code, monkeypatch, capsys
):
    write("square-answer", ANSWER)
    new_version_of_the_exercise()
    before = tree("work")

    def refuse(path, *_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Path, "write_bytes", refuse)
    assert main(["reset", "7"]) == 2  # looks only
    capsys.readouterr()
    assert main(["update", "1"]) == 2
    said = capsys.readouterr().err
    assert os.strerror(code) in said and said.count("\n") == 1
    after = {path: data for path, data in tree("work").items() if path.parent.name != "kept"}
    assert after == before


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written_is_said_in_one_sentence(course, capsys):
    course.chmod(0o500)
    try:
        assert main(["open"]) == 2
    finally:
        course.chmod(0o700)
    assert "could not be written" in capsys.readouterr().err


def test_a_refresh_reports_what_it_did(course):
    done = refresh(course)
    assert len(done.made) == 3 and not (done.renewed or done.changed or done.notes)
    assert done.said() == ["made: 3 files in work/"]
