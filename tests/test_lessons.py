"""Every lesson keeps the rules of the house; and each rule refuses what it is there for."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from coursekit.source.lint import faults, numbers_in, words
from resattn.experiments import paper_numbers

ROOT = Path(__file__).resolve().parents[1]
STYLE_GUIDE = ROOT / "course" / "91_style_guide.ipynb"
LESSONS = [*sorted((ROOT / "course").glob("[01]*.ipynb")), STYLE_GUIDE]
APPENDICES = sorted((ROOT / "course").glob("9*.ipynb"))
LINK = "[Exercise set 05](../exercises/05_lesson.ipynb)."
QUOTABLE = numbers_in(paper_numbers)


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_keeps_the_rules(path):
    found = faults(nbformat.read(path, as_version=4), path, quotable=QUOTABLE)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("path", APPENDICES, ids=lambda path: path.stem)
def test_an_appendix_keeps_the_rules_for_cells(path):
    found = faults(nbformat.read(path, as_version=4), path, quotable=QUOTABLE)
    assert not [fault for fault in found if ": cell " in fault]


def test_what_papers_report_may_be_quoted():
    assert {5.52, 31.9, 0.0164, 64_000, 20.67, 28.09} <= QUOTABLE
    assert not {31.8, 15, 224} & QUOTABLE  # the last two could come from anywhere


def text(source, name):
    return new_markdown_cell(source, id=name)


def code(source, name="cell", outputs=()):
    return new_code_cell(source, id=name, outputs=list(outputs), execution_count=1)


def lesson(*cells):
    """A sound lesson, with more cells in its middle."""
    end = "**Where this lives in `resattn`:** `gates.CBAM`, `resattn.plots`. " + LINK
    return new_notebook(
        cells=[
            text("# 05 A lesson", "title"),
            text("## What you will build\n\n" + "many good words " * 320, "build"),
            text("## Why it matters\n\nIt does.", "why"),
            code("my_guess = 3  # change me before you run on", "guess"),
            *cells,
            text("## What you measured\n\nThings.", "measured"),
            text("## Recap\n\nAgain.", "recap"),
            text("## Where next\n\n" + end, "next"),
        ]
    )


def found_in(notebook, name="05_lesson.ipynb"):
    return "\n".join(faults(notebook, Path(name), quotable=QUOTABLE))


def without(notebook, name):
    notebook.cells = [cell for cell in notebook.cells if cell.id != name]
    return notebook


def test_a_sound_lesson_has_no_fault():
    assert found_in(lesson()) == ""
    assert 960 < words(lesson()) < 1000


@pytest.mark.parametrize("name", ["build", "why", "measured", "recap", "next"])
def test_a_missing_section_is_found(name):
    assert "its sections must include" in found_in(without(lesson(), name))


def test_a_lesson_without_title_prediction_exercises_or_home_is_refused():
    assert "not a title such as '# 05" in found_in(without(lesson(), "title"))
    assert "asks for no prediction" in found_in(without(lesson(), "guess"))
    assert "exercise set 06" in found_in(lesson(), "06_lesson.ipynb")
    assert "exercise set" not in found_in(lesson(), "10_lesson.ipynb")
    bare = lesson()
    bare.cells[-1].source = f"## Where next\n\n{LINK}"
    assert "'Where this lives in `resattn`'" in found_in(bare)


def test_the_number_of_a_lesson_needs_no_cell():
    late = lesson()
    late.cells[0].source = "# 13 Late"
    late.cells[-1].source = late.cells[-1].source.replace("05", "13")
    assert found_in(late, "13_late.ipynb") == ""
    late.cells[0].source += " by 14"
    assert "cell 'title': no cell shows the 14" in found_in(late, "13_late.ipynb")


def test_a_name_that_the_package_has_not_is_found():
    lost = lesson()
    lost.cells[-1].source += " `gates.CBAN`, `gaits.CBAM`, `resattn.experiments.claims.CLAIMS`"
    found = found_in(lost)
    assert "`gates.CBAN`" in found and "`gaits.CBAM`" in found and "CLAIMS" not in found


def test_length_is_held_on_both_sides():
    assert "a lesson has 900 to 1800" in found_in(without(lesson(), "build"))
    assert "a lesson has 900 to 1800" in found_in(lesson(text("too many words " * 300, "long")))
    table = "| " + "many words in a table " * 300 + "|"
    assert found_in(lesson(text(table, "table"))) == ""


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("x = 1\n" * 26, "26 lines of code"),
        ("x = 1  " + "#" * 90, "a line of 97 characters"),
        ("%matplotlib inline", "magics"),
        ("!ls", "magics"),
        ("import urllib.request", "need no network"),
        ("from requests import get", "need no network"),
        ("loader = make_loader(data, num_workers=2)", "num_workers must stay 0"),
        ("data = CIFAR10('data', download=True)", "downloads"),
    ],
)
def test_code_that_a_student_cannot_read_or_run_is_refused(source, complaint):
    found = found_in(lesson(code(source)))
    assert complaint in found and "cell 'cell'" in found


def test_workers_and_downloads_may_be_declined():
    fine = "loader = make_loader(data, num_workers=0)\ndata = CIFAR10('data', download=False)"
    assert found_in(lesson(code(fine))) == ""


@pytest.mark.parametrize("alt", [None, " "])
def test_a_figure_without_alternative_text_is_refused(alt):
    metadata = {} if alt is None else {"image/png": {"alt": alt}}
    picture = new_output("display_data", {"image/png": "aGVsbG8="}, metadata=metadata)
    assert "no alternative text" in found_in(lesson(code("show()", outputs=[picture])))


@pytest.mark.parametrize(
    "sentence",
    [
        "The error is 17.3 here.",
        "It falls by 15 % or so.",
        "There are 1,030,362 of them.",
        "We train 13 networks.",
        "It is -13.5 there.",
        "Some 7 per cent are lost.",
    ],
)
def test_a_number_that_no_cell_shows_is_refused(sentence):
    assert "cell 'claim': no cell shows the" in found_in(lesson(text(sentence, "claim")))


@pytest.mark.parametrize(
    "sentence",
    [
        "Twelve of 12, two of 2.",
        "See lesson 07, section 4.3, figures 3 and 14, table 13 and exercise set 44.",
        "In code `x = 17.3` and in formulas $17.3$ and $$17.4$$ anything goes.",
        "ResNet-164 and Attention-236 are names.",
        "As [arXiv 1704.06904](https://arxiv.org/abs/1704.06904) said in 2017.",
        "The paper reports 5.52 % for mixed attention.",
    ],
)
def test_numbers_that_need_no_cell_pass(sentence):
    assert found_in(lesson(text(sentence, "claim"))) == ""


@pytest.mark.parametrize("sentence", ["We take 1,040 steps.", "So 15 % are wrong.", "About 17.3."])
def test_numbers_that_code_or_outputs_show_pass(sentence):
    printed = new_output("stream", name="stdout", text="error 17.3 %\n")
    shown = code("steps = 1_040\nwrong = 0.15", outputs=[printed])
    assert found_in(lesson(shown, text(sentence, "claim"))) == ""
