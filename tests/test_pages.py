"""The map from the paper to the code is what its source makes, and no target of it is lost."""

import re
import shutil
from pathlib import Path

import pytest

from coursekit.source.paper_map import PAGE, SOURCE, page_difference, paper_map

ROOT = Path(__file__).resolve().parents[1]
TARGETS = [
    ("02_attention_as_a_mask#the-product", "02_attention_as_a_mask#no-such-cell", "the cell"),
    ("02_attention_as_a_mask#the-product", "77_no_lesson#the-product", "the cell"),
    ('"attention.merge"', '"attention.mergers"', "resattn.attention.mergers"),
    ("test_attention.py::test_the_merge_rules", "test_attention.py::test_the_merging", "the test"),
    ("test_attention.py::test_the_merge_rules", "test_nothing.py::test_the_merge_rules", "test"),
]


@pytest.fixture
def course(tmp_path):
    """A copy of the sources that the map rests on."""
    shutil.copytree(ROOT / "course", tmp_path / "course", ignore=shutil.ignore_patterns("*.ipynb"))
    shutil.copytree(ROOT / "tests", tmp_path / "tests", ignore=shutil.ignore_patterns("__*"))
    return tmp_path


def test_the_page_is_what_its_source_makes():
    assert page_difference(ROOT) == []


def test_every_equation_and_table_of_the_paper_is_on_the_page():
    page = paper_map(ROOT)
    for kind, last in (("Equation", 7), ("Table", 7)):
        for number in range(1, last + 1):
            assert re.search(rf"\| {kind}s?[^:|]*\b{number}\b", page), f"{kind} {number}"


def test_a_page_changed_by_hand_is_found(course):
    page = course / PAGE
    page.write_text(page.read_text().replace("Equation 1", "Equation 2", 1))
    (fault,) = page_difference(course)
    assert "`make build` repairs it" in fault


@pytest.mark.parametrize(("old", "new", "told"), TARGETS)
def test_a_lost_target_is_named(course, old, new, told):
    source = course / SOURCE
    text = source.read_text()
    assert old in text
    source.write_text(text.replace(old, new))
    with pytest.raises(ValueError, match=f"{told}.*does not exist"):
        paper_map(course)


def test_an_item_without_a_test_is_refused(course):
    source = course / SOURCE
    source.write_text(re.sub(r"^tests = .*\n", "", source.read_text(), count=1, flags=re.M))
    with pytest.raises(ValueError, match="must have paper, about, cells, code, tests"):
        paper_map(course)


def glossary():
    """Term, definition and lesson of every entry."""
    entries = (ROOT / "course/glossary.md").read_text().split("\n\n")[2:]
    shape = re.compile(r"\*\*(.+?)\*\*: (.+)\. Lesson (\d\d)\.", re.DOTALL)
    return [shape.fullmatch(entry.strip()).groups() for entry in entries]


def test_the_glossary_is_sorted_and_says_each_word_once():
    terms = [term.lower() for term, _, _ in glossary()]
    assert terms == sorted(set(terms)) and len(terms) > 50


def test_each_word_of_the_glossary_occurs_in_its_lesson():
    absent = []
    for term, _, lesson in glossary():
        (source,) = (ROOT / "course").glob(f"{lesson}_*.py")
        text = " ".join(re.sub(r"[#*`_]", " ", source.read_text()).lower().split())
        names = [term.split(" (")[0], *re.findall(r"\((.{3,})\)", term)]
        if not any(name.lower().replace(" x ", "x") in text.replace(" x ", "x") for name in names):
            absent.append(f"{term} (lesson {lesson})")
    assert absent == []
