"""README, guides and docs say what the code does, and lead to files that exist."""

import io
import json
import re
import sys
from base64 import b64decode
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from resattn.experiments.reproduction import paper_table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "site"))

import picture  # noqa: E402
from pages import address, generated, timings  # noqa: E402

README = ROOT / "README.md"
DOCS = sorted((ROOT / "docs").glob("*.md"))
GUIDES = [README, ROOT / "CONTRIBUTING.md", *DOCS]
MADE = {"README.md": ["lessons"], "claims.md": ["claims"], "networks.md": ["presets"]}
SVG = "{http://www.w3.org/2000/svg}"


def named(paths):
    return {"argvalues": paths, "ids": [path.name for path in paths]}


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def between(path: Path, name: str) -> str:
    """Return the text between the two markers of a generated part."""
    found = re.search(rf"<!-- {name}: begin -->\n(.*?)\n<!-- {name}: end -->", text(path), re.S)
    assert found, f"{path.name} has lost its markers for {name!r}"
    return found[1]


@pytest.mark.parametrize(("page", "parts"), MADE.items(), ids=MADE)
def test_a_generated_part_is_what_its_command_makes(page, parts):
    path = README if page == "README.md" else ROOT / "docs" / page
    for part in parts:
        assert between(path, part) == generated.MAKERS[part](ROOT), "call make docs"


def test_the_table_of_the_papers_task_is_the_one_the_command_prints():
    assert between(ROOT / "docs/paper_table.md", "paper") == paper_table(), "call make docs"


def test_every_generated_part_is_compared_here():
    marked = {name for path in GUIDES for name in re.findall(r"<!-- (\w+): begin -->", text(path))}
    assert marked == {"paper", "bench", *sum(MADE.values(), [])}


def test_the_measured_tables_name_their_machine_and_date():
    line = r"threads, \w+, Python 3\.\d+\.\d+, torch [\d.]+\S*, 20\d\d-\d\d-\d\d"
    assert re.search(line, between(ROOT / "docs/benchmarks.md", "bench"))


def drawn(svg: str):
    """Return the picture's words without numbers, its numbers in words, and its bitmaps."""
    root = ElementTree.fromstring(svg)
    words = [each.text for each in root.iter(f"{SVG}text")]
    bitmaps = [
        np.asarray(Image.open(io.BytesIO(b64decode(each.get("href").partition(",")[2]))))
        for each in root.iter(f"{SVG}image")
    ]
    shares = [int(share) for each in words for share in re.findall(r"(\d+)%", each)]
    return [re.sub(r"\d+%", "%", each) for each in words], shares, bitmaps


def test_the_picture_is_what_the_recorded_networks_see():
    """Other processors round otherwise: a share may move by a point, a colour by a few steps."""
    kept, made = drawn(text(ROOT / "docs/masks.svg")), drawn(picture.picture())
    assert kept[0] == made[0], "call make docs"
    assert np.allclose(kept[1], made[1], atol=1) and len(kept[1]) == 2
    for old, new in zip(kept[2], made[2], strict=True):
        assert old.shape == new.shape and np.abs(old.astype(int) - new.astype(int)).max() <= 8


def test_the_picture_is_small_and_has_a_text_instead():
    assert (ROOT / "docs/masks.svg").stat().st_size < 50_000
    assert len(re.search(r'<img src="docs/masks.svg"[^>]* alt="([^"]+)"', text(README))[1]) > 100


def test_the_readme_is_two_screens_long():
    lines = text(README).splitlines()
    assert len(lines) < 75 and sum(len(line) for line in lines) < 6000


def test_the_clone_line_names_the_repository_if_its_address_is_known():
    known = address.repository(ROOT)
    assert f"git clone {known or 'ADDRESS'} " in text(README)
    assert ("ADDRESS is this repository's address" in text(README)) == (known is None)


def test_readme_and_lesson_00_agree_on_what_comes_when():
    rows = re.findall(
        r"^(\d\d) \[(.+?)\]\(course/(\w+)\.ipynb\): (.+?) · (\d+) min", text(README), re.M
    )
    assert [row[:2] + row[3:4] for row in rows] == generated.lesson_map(ROOT)
    stems = [path.stem for path in sorted((ROOT / "course").glob("[0-8]*.ipynb"))]
    assert [name for _, _, name, _, _ in rows] == stems
    assert [int(row[4]) for row in rows] == [timings.minutes(ROOT, name) for name in stems]
    practised = re.findall(r"\(exercises/(\w+)\.ipynb\)", text(README))
    assert practised == [path.stem for path in sorted((ROOT / "exercises").glob("*.ipynb"))]
    first = practised[0][:2]
    assert f"Exercises begin after lesson {first}." in text(README)
    assert f"after lesson {first}" in text(ROOT / "course/00_start_here.ipynb")


def python_blocks() -> list[str]:
    return [
        block for path in GUIDES for block in re.findall(r"```python\n(.*?)```", text(path), re.S)
    ]


@pytest.mark.parametrize("block", python_blocks())
def test_every_python_example_runs(block):
    assert "resattn" in block
    exec(compile(block, "docs", "exec"), {})


@pytest.mark.parametrize("path", **named(GUIDES))
def test_every_link_leads_to_a_file(path):
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text(path))
    links += re.findall(r'src="(?!https?:)([^"]+)"', text(path))
    assert not [link for link in links if not (path.parent / link).exists()]


FOLDERS = "benchmarks|course|coursekit|docs|exercises|resattn|site|solutions|tests"
GIVEN_LATER = re.compile(r"NN|name|\*|<")
"""Signs of a path that stands for others, such as course/NN_name.py."""


@pytest.mark.parametrize("path", **named(GUIDES))
def test_every_path_named_in_a_guide_exists(path):
    words = re.findall(rf"(?<![\w/.-])(?:{FOLDERS})/[\w./*<>-]*[\w*>/]", text(path))
    words += re.findall(r"`([\w-]+\.(?:md|toml|lock|yml|cff|py))`", text(path))
    paths = {word for word in words if not GIVEN_LATER.search(word)}
    assert not [each for each in paths if not (ROOT / each).exists()]


def test_the_counts_of_tasks_and_wrong_answers_are_those_of_the_records():
    """That each wrong answer is caught, the build and `test_exercises` see to."""
    records = sorted((ROOT / "exercises" / "expected").glob("*.json"))
    tasks = [task for path in records for task in json.loads(text(path))["tasks"].values()]
    wrong = sum(len(task["wrong"]) for task in tasks)
    guide = text(ROOT / "docs/student.md")
    assert f'"{wrong} of {wrong} wrong answers caught"' in guide
    assert f"{len(tasks)} tasks in ten sets" in guide and len(records) == 10
