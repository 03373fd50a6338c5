"""What the README says is what the code does."""

import json
import re
from pathlib import Path

import pytest

from resattn import models
from resattn.experiments.reproduction import paper_table
from resattn.experiments.tables import claims_table

README = Path(__file__).parents[1] / "README.md"


def between(name: str) -> str:
    """The text between the two markers of a generated part."""
    found = re.search(
        rf"<!-- {name}: begin -->\n(.*?)\n<!-- {name}: end -->", README.read_text(), re.S
    )
    assert found, f"README.md has lost its markers for {name!r}"
    return found[1]


def test_the_table_of_networks_is_the_one_the_command_prints():
    assert between("presets") == models.table(), "paste the output of `python -m resattn models`"


def test_the_table_of_the_papers_task_is_the_one_the_command_prints():
    assert between("paper") == paper_table(), "paste what `python -m resattn results paper` prints"


def test_the_verdicts_are_the_ones_the_command_prints():
    table = between("claims")
    assert table == claims_table("small"), "paste what `python -m resattn results claims` prints"
    links = re.findall(r"\]\(([\w/.]+)\)", table)
    assert len(links) >= 14 and all((README.parent / link).exists() for link in links)


def test_the_measured_tables_name_their_machine_and_date():
    assert re.search(
        r"threads, \w+, Python 3\.\d+\.\d+, torch [\d.]+\S*, 20\d\d-\d\d-\d\d", between("bench")
    )


def python_blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", README.read_text(), re.S)


@pytest.mark.parametrize("block", python_blocks())
def test_every_python_example_runs(block):
    assert "resattn" in block
    exec(compile(block, "README.md", "exec"), {})


def test_every_path_named_in_the_text_exists():
    root = README.parent
    paths = re.findall(
        r"`((?:course|resattn|exercises|solutions|tests)/[\w./]+)`", README.read_text()
    )
    assert paths
    missing = [path for path in paths if not (root / path).exists()]
    assert not missing


def test_every_lesson_named_exists():
    lessons = re.findall(r"^\| `(\d\d_\w+)`", README.read_text(), re.M)
    for lesson in lessons:
        assert (README.parent / "course" / f"{lesson}.py").exists(), lesson


def test_the_count_of_wrong_answers_is_that_of_the_records():
    """That each is caught, the build and `test_exercises` see to."""
    records = sorted((README.parent / "exercises" / "expected").glob("*.json"))
    tasks = [
        task
        for path in records
        for task in json.loads(path.read_text(encoding="utf-8"))["tasks"].values()
    ]
    wrong = sum(len(task["wrong"]) for task in tasks)
    text = README.read_text(encoding="utf-8")
    assert f'"{wrong} of {wrong} wrong answers caught"' in text
    assert f"{len(tasks)} tasks in ten sets" in text and len(records) == 10
