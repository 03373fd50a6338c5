"""Every command in the guides and workflows is executed by a test, or says why it is not.

`TABLE` is the one list. A command stands in it as `command` writes it: without comment and with
placeholders, so that `check 05` and `check NN` are one. Its right side is either a test,
"file.py::name", which must exist and speak of the command, or a sentence that says why there is
none.
"""

import ast
import csv
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from functools import cache
from pathlib import Path

import nbformat
import pytest
import yaml
from exercise_kit import small_set
from grading_kit import SETS, Case, write_class

from resattn.__main__ import COMMANDS, main
from resattn.classroom.execute import execute
from resattn.grading import grade as grader
from resattn.grading import results as stored
from resattn.recipes.paper import PAPER_RECIPES

ROOT = Path(__file__).resolve().parents[1]
GUIDES = ("README.md", "GRADING.md", "CONTRIBUTING.md", "solutions/README.md", "site/index.md")
PROGRAMS = {"make", "python", "pytest", "torchrun", "pip", "conda", "jupyter", "dask", "uv"}

FETCHES = "it fetches from a network, and tests have none"
STAYS = "it opens a window and stays: make test-browser works in it, in Chromium"

TABLE = {
    ".ci/run": "it calls make test, and so this test: test_environment.py reads it",
    "conda activate resattn": "it changes the shell: the workflow does it on two systems",
    "conda env create -f environment.yml": FETCHES,
    "cp solutions/NN_name.py solutions/NN_name.toml private/solutions/":
        "test_commands.py::test_a_private_set_is_copied_and_built",
    "dask scheduler":
        "test_grading_cluster.py::test_a_lost_worker_loses_no_submission_and_changes_no_grade",
    "dask worker ADDRESS --nthreads 1":
        "test_grading_cluster.py::test_a_lost_worker_loses_no_submission_and_changes_no_grade",
    "jupyter lab course/NN_name.ipynb": STAYS,
    "make build": "test_commands.py::test_make_does_what_it_says",
    "make doctor": "test_commands.py::test_make_does_what_it_says",
    "make lab": STAYS,
    'make lab LAB_ARGS="--no-browser --port 8899"': STAYS,
    "make lint": "test_commands.py::test_make_does_what_it_says",
    "make lock": "it asks a package index for newer versions, and tests have no network",
    "make site": "it installs a builder of its own: test_site.py tries the parts, a workflow all",
    "make test": "test_commands.py::test_make_does_what_it_says",
    'make test TEST_ARGS="tests/test_NAME.py"': "test_commands.py::test_make_does_what_it_says",
    "make test-browser": "it needs Chromium, and is a suite of its own",
    "mkdir -p private/solutions": "test_commands.py::test_a_private_set_is_copied_and_built",
    "pip install 'resattn[cluster]'": FETCHES,
    "pip install pytorchcv": FETCHES,
    "pytest --nbval-lax exercises/NN_name.ipynb":
        "test_commands.py::test_a_quick_look_at_a_completed_exercise",
    "python -m pytest": "it is the suite that this test belongs to",
    "python -m resattn bench": "it takes many minutes: test_bench.py runs its parts",
    "python -m resattn build": "test_commands.py::test_make_does_what_it_says",
    "python -m resattn build --check":
        "test_pairs.py::test_check_writes_nothing_and_says_how_to_repair",
    "python -m resattn build course/NN_name.py":
        "test_pairs.py::test_failing_cell_leaves_the_old_notebook",
    "python -m resattn build private/solutions/NN_name.py":
        "test_commands.py::test_a_private_set_is_copied_and_built",
    "python -m resattn build solutions/NN_name.py":
        "test_exercises_source.py::test_one_letter_in_the_executed_solution_is_found",
    "python -m resattn check NN":
        "test_exercises_student.py::test_the_table_gives_points_reason_mistake_and_the_next_hint",
    "python -m resattn data cifar10": FETCHES + ": test_data_cifar.py serves what it fetches",
    "python -m resattn doctor":
        "test_doctor.py::test_a_broken_torch_is_named_and_does_not_stop_the_doctor",
    "python -m resattn grade SUBMISSIONS --out GRADES":
        "test_grading_cluster.py::test_a_lost_worker_loses_no_submission_and_changes_no_grade",
    "python -m resattn grade submissions --out grades --deadlines deadlines.csv":
        "test_commands.py::test_late_days_are_counted_by_the_command",
    "python -m resattn grade submissions --out grades --resume":
        "test_grading_notebooks.py::"
        "test_a_killed_run_goes_on_and_a_regrade_says_whose_points_moved",
    "python -m resattn grade submissions --out grades --scheduler ADDRESS":
        "test_grading_cluster.py::test_a_lost_worker_loses_no_submission_and_changes_no_grade",
    "python -m resattn grade submissions --out grades --sets private/solutions --regrade":
        "test_grading_notebooks.py::"
        "test_a_killed_run_goes_on_and_a_regrade_says_whose_points_moved",
    "python -m resattn models":
        "test_package.py::test_the_wheel_works_without_the_repository",
    "python -m resattn mutants": "test_exercises_student.py::test_mutants_counts_what_is_caught",
    "python -m resattn mutants NN": "test_exercises_student.py::test_mutants_counts_what_is_caught",
    "python -m resattn progress":
        "test_exercises_student.py::test_the_table_gives_points_reason_mistake_and_the_next_hint",
    "python -m resattn reset NN": "test_exercises_student.py::test_a_new_start_keeps_dated_copies",
    "python -m resattn results": "test_commands.py::test_results_are_printed_and_not_run_again",
    "python -m resattn results RECIPE":
        "test_commands.py::test_results_are_printed_and_not_run_again",
    "python -m resattn results claims":
        "test_package.py::test_the_wheel_works_without_the_repository",
    "python -m resattn results paper":
        "test_commands.py::test_the_papers_table_is_printed_by_its_command",
    "python -m resattn submit NN":
        "test_exercises_student.py::test_a_hand_in_holds_the_notebook_if_nothing_is_missing",
    "python -m resattn train PAPER":
        "it needs CIFAR or ImageNet and a GPU: test_recipes_paper.py runs a short twin",
    "python -m resattn train RECIPE":
        "test_commands.py::test_results_are_printed_and_not_run_again",
    "python -m resattn train RECIPE --scale small":
        "test_commands.py::test_results_are_printed_and_not_run_again",
    "python -m resattn train all": "test_recipes_paper.py::"
        "test_train_all_leaves_the_papers_task_out",
    "torchrun --nproc-per-node N -m resattn train RECIPE":
        "test_recipes_paper.py::test_the_first_process_alone_speaks_and_records",
    "uv pip install --resolution VERSIONS --group dev -e .": FETCHES,
    "uv venv --python VERSION": "it is the workflow's own preparation",
}  # fmt: skip


def command(text: str) -> str:
    """A command as the table writes it."""
    text = " ".join(re.sub(r"(^|\s)#.*", "", text).split())
    text = text.replace(".venv/bin/python", "python")
    if text.split(" ")[0] in COMMANDS:
        text = f"python -m resattn {text}"
    words = text.split(" ")
    if words[-1] in PAPER_RECIPES:
        text = " ".join([*words[:-1], "PAPER"])
    for pattern, placeholder in (
        (r"\b\d\d_\w+", "NN_name"),
        (r"\btests/test_\w+\.py", "tests/test_NAME.py"),
        (r"(resattn (?:train|results)) name\b", r"\1 RECIPE"),
        (r"\b(check|submit|reset|mutants) \d\d\b", r"\1 NN"),
        (r"(?<=--python) .*\}\}", " VERSION"),
        (r"(?<=--resolution) .*\}\}", " VERSIONS"),
    ):
        text = re.sub(pattern, placeholder, text)
    return text


def in_guide(text: str) -> Iterator[str]:
    """The commands of a Markdown text: lines of its `sh` blocks, and code spans that are one."""
    for block in re.findall(r"^ *```sh\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE):
        yield from filter(None, map(command, block.splitlines()))
    prose = re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)
    for span in re.findall(r"`([^`\n]+)`", prose):
        first, *rest = span.split()
        of_course = first in COMMANDS and (not rest or re.fullmatch(r"\d\d|all", rest[0]))
        if first == "python" or of_course or (first in PROGRAMS and rest):
            yield command(span)


def in_workflow(text: str) -> Iterator[str]:
    """The commands of a workflow's steps."""
    for job in yaml.safe_load(text)["jobs"].values():
        for step in job["steps"]:
            yield from filter(None, map(command, step.get("run", "").splitlines()))


def written() -> dict[str, set[str]]:
    """The commands of every text, by its path."""
    flows = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    made = {name: set(in_guide((ROOT / name).read_text(encoding="utf-8"))) for name in GUIDES}
    return made | {f".github/workflows/{path.name}": set(in_workflow(path.read_text("utf-8")))
                   for path in flows}


def faults(texts: dict[str, set[str]], table: dict[str, str]) -> list[str]:
    """One sentence for each command without a row, and each row without a command."""
    missing = [
        f"{name}: `{each}` is in no row of TABLE; name the test that runs it, or say why none does"
        for name, found in texts.items() for each in sorted(found - set(table))
    ]
    idle = sorted(set(table) - set().union(*texts.values()))
    return missing + [f"TABLE: no text has `{each}`; take its row out" for each in idle]


@cache
def functions(path: Path) -> dict[str, ast.FunctionDef]:
    """The functions of a test file at its top level, and those of the kits."""
    kits = sorted(path.parent.glob("*_kit.py"))
    return {node.name: node for file in [*kits, path]
            for node in ast.parse(file.read_text(encoding="utf-8")).body
            if isinstance(node, ast.FunctionDef)}


def said_by(function: ast.FunctionDef, known: dict[str, ast.FunctionDef], deep: int = 1) -> str:
    """Names and texts in a function, its parameters among them, and in what it calls."""
    told = []
    body = function.body[1:] if ast.get_docstring(function) else function.body
    for node in (n for part in [*function.decorator_list, *body] for n in ast.walk(part)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            told.append(node.value)
        elif isinstance(node, ast.Name):
            told.append(node.id)
            if deep and node.id in known:
                told.append(said_by(known[node.id], known, deep - 1))
    return " ".join(told)


def needed(text: str) -> list[str]:
    """The words without which a test cannot run a command: the sub-command, and the options."""
    words = re.sub(r"\bpython -m resattn |-m resattn train RECIPE", "", text).split()
    start = 1 if words[0] in PROGRAMS and len(words) > 1 else 0
    return [words[start], *(word for word in words[start + 1 :] if word.startswith("--"))]


def target_fault(text: str, target: str, folder: Path) -> str | None:
    """Why a row's right side is neither a test of this command nor a reason, or None."""
    if "::" not in target:
        enough = len(target.split()) >= 5
        return None if enough else f"TABLE: `{text}` has no reason that anybody could understand"
    file, name = target.split("::")
    if not (folder / file).exists():
        return f"TABLE: `{text}` names {file}, which is not in tests/"
    known = functions(folder / file)
    if not name.startswith("test_") or name not in known:
        return f"TABLE: `{text}` names {target}, which is no test"
    said = set(re.findall(r"[\w-]+", said_by(known[name], known)))
    lost = [word for word in needed(text) if word not in said]
    return f"TABLE: `{text}` names {target}, which has no {lost[0]!r} in it" if lost else None


def test_every_command_has_its_row_and_every_row_its_command():
    found = faults(written(), TABLE)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("text", TABLE)
def test_a_row_names_a_test_that_speaks_of_the_command_or_a_reason(text):
    assert (fault := target_fault(text, TABLE[text], ROOT / "tests")) is None, fault


def test_every_test_file_that_a_guide_names_exists():
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in GUIDES]
    named = {name for text in texts for name in re.findall(r"tests/test_\w+\.py", text)}
    named |= {f"tests/{name}" for row in TABLE.values()
              for name in re.findall(r"test_\w+\.py", row)}
    assert len(named) > 5
    assert not [name for name in named if not (ROOT / name).exists()]


# The rules themselves can fail


@pytest.mark.parametrize(("text", "commands"), [
    ("```sh\nmake lab     # opens it\n\n# alone\nmake  test\n```", {"make lab", "make test"}),
    ("`python -m resattn check 07` or `check 07`", {"python -m resattn check NN"}),
    ("`make` and `torchrun` are names, `check(label)` and `data/train` are not meant", set()),
    ("`train all`, `python -m resattn train cifar10-attention56`",
     {"python -m resattn train all", "python -m resattn train PAPER"}),
    ("`python tool.py`", {"python tool.py"}),
    ("```python\nimport resattn\n```", set()),
])  # fmt: skip
def test_commands_are_found_in_a_text(text, commands):
    assert set(in_guide(text)) == commands


def test_commands_are_found_in_a_workflow():
    flow = "jobs:\n  one:\n    steps:\n      - uses: a/b@v1\n      - run: |\n          make lab\n"
    assert set(in_workflow(flow + "          .venv/bin/python -m pytest\n")) == {
        "make lab", "python -m pytest"}


def test_a_command_without_a_row_and_a_row_without_a_command_are_told():
    texts = {"README.md": {"make tea", "make lab"}}
    assert faults(texts, {"make lab": STAYS}) == [
        "README.md: `make tea` is in no row of TABLE; name the test that runs it, or say why "
        "none does"]
    assert faults(texts, {"make lab": STAYS, "make tea": STAYS, "make war": STAYS}) == [
        "TABLE: no text has `make war`; take its row out"]


@pytest.mark.parametrize(("target", "told"), [
    ("no.", "no reason"),
    ("test_nothing.py::test_it", "not in tests/"),
    ("test_some.py::test_other", "is no test"),
    ("test_some.py::helper", "is no test"),
    ("test_some.py::test_stays_silent", "has no 'grade' in it"),
    ("test_some.py::test_without_option", "has no '--resume' in it"),
    ("test_some.py::test_runs", None),
    ("test_some.py::test_runs_by_a_helper", None),
])  # fmt: skip
def test_a_row_that_names_no_test_of_its_command_is_told(target, told, tmp_path):
    (tmp_path / "test_some.py").write_text(
        'def helper():\n    call("grade", "--resume")\n\n'
        'def test_stays_silent():\n    """It does not grade."""  # grade --resume\n\n'
        'def test_without_option():\n    call("grade")\n\n'
        'def test_runs():\n    call("grade", "--resume")\n\n'
        'def test_runs_by_a_helper():\n    helper()\n')
    fault = target_fault("python -m resattn grade submissions --resume", target, tmp_path)
    assert fault is None if told is None else told in fault


# Commands that no other test runs

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
@pytest.mark.parametrize(("words", "told"), [
    (["lint"], "All checks passed"),
    (["build"], "solutions/01_small.ipynb: executed"),
    (["doctor"], "OK    Python 3"),
    (["test"], "2 passed"),
    (["test", "TEST_ARGS=tests/test_one.py"], "1 passed"),
])  # fmt: skip
def test_make_does_what_it_says(house, words, told):
    done = subprocess.run(["make", *words, f"PYTHON={sys.executable}"], cwd=house, text=True,
                          capture_output=True)
    assert told in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0 or words == ["doctor"]  # which may find little memory


@posix
def test_a_private_set_is_copied_and_built(house, capsys):
    """The lines of GRADING.md themselves, with this set's name."""
    guide = (ROOT / "GRADING.md").read_text(encoding="utf-8")
    block = next(each for each in re.findall(r"```sh\n(.*?)```", guide, re.DOTALL)
                 if each.startswith("mkdir -p private/solutions"))
    copying, made = block.replace("05_arl_fix", "01_small").split("python -m resattn build ")
    assert "\ncp solutions/01_small.py" in copying
    subprocess.run(["sh", "-ec", copying], check=True)
    assert main(["build", made.strip()]) == 0
    assert Path("private/exercises/expected/01_small.json").exists()
    assert "private/exercises/01_small.ipynb: made" in capsys.readouterr().out


def test_a_quick_look_at_a_completed_exercise(house):
    assert main(["build", "solutions/01_small.py"]) == 0
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


@pytest.mark.parametrize(("words", "told"), [
    (["results"], "### units (small scale)"),
    (["results", "width"], "| masked-m1 |"),
    (["train", "width", "--scale", "small"], "18 of 18 runs are recorded"),
])  # fmt: skip
def test_results_are_printed_and_not_run_again(words, told, capsys, monkeypatch):
    monkeypatch.delattr("resattn.recipes.train._execute")
    assert main(words) == 0
    assert told in capsys.readouterr().out


def test_the_papers_table_is_printed_by_its_command(capsys, monkeypatch):
    """The table itself, which takes a while, is compared in test_readme."""
    monkeypatch.setattr("resattn.recipes.tables.paper_table", lambda: "the paper's table")
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
    assert main(["grade", str(folder), "--out", str(out), "--sets", str(SETS), "--unsafe",
                 "--deadlines", str(tmp_path / "deadlines.csv")]) == 0
    (row,) = csv.DictReader((out / "grades.csv").read_text("utf-8-sig").splitlines())
    assert int(row["late_days"]) > 9000
