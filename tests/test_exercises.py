"""Every exercise set is proven: its solution passes, its stub fails, each mistake is told."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from coursekit.checks import record
from coursekit.source import cut
from coursekit.source.answers import WRONG, read_answers
from coursekit.source.pairs import strays
from coursekit.source.rehearse import Rehearsal, faults, rehearse
from coursekit.source.tasks import POINTS, read_set

ROOT = Path(__file__).resolve().parents[1]
SETS = sorted((ROOT / "solutions").glob("*.py"))
SAMPLE = 4  # `make test` tries each fourth wrong answer of a task, `make test-all` all of them
every_set = pytest.mark.parametrize(
    ("path", "every"),
    [
        pytest.param(path, every, id=f"{path.stem}-{name}", marks=marks)
        for path in SETS
        for every, name, marks in ((SAMPLE, "sample", ()), (1, "all", pytest.mark.slow))
    ],
)


@cache
def rehearsed(path: Path, every: int) -> list[Rehearsal]:
    return rehearse(read_set(path), every=every)


def full(rehearsal: Rehearsal) -> int:
    return sum(cell.metadata.points for cell in rehearsal.task.visible)


@every_set
def test_a_solution_passes_everything_and_its_points_make_100(path, every):
    assert [r.earned(r.right) for r in rehearsed(path, every)] == [
        full(r) for r in rehearsed(path, every)
    ]
    assert sum(r.task.points for r in rehearsed(path, every)) == POINTS
    assert 4 <= len(rehearsed(path, every)) <= 6


@every_set
def test_an_unsolved_exercise_fails_every_check(path, every):
    for r in rehearsed(path, every):
        assert r.earned(r.stub) == 0
        assert not [cell.id for cell in r.task.checks if r.stub[cell.id] == r.right[cell.id]]


@every_set
def test_a_right_answer_written_differently_passes(path, every):
    assert [r.earned(r.different) for r in rehearsed(path, every)] == [
        full(r) for r in rehearsed(path, every)
    ]


@every_set
def test_every_wrong_answer_loses_points_and_is_told_why(path, every):
    for r in rehearsed(path, every):
        assert len(r.answers.wrong) >= WRONG / every
        for wrong in r.answers.wrong:
            assert r.earned(r.wrong[wrong.name]) < full(r), f"{r.task.id}: {wrong.name}"
            assert r.told(r.wrong[wrong.name]) == [wrong.says], f"{r.task.id}: {wrong.name}"


@every_set
def test_nothing_is_left_unproven(path, every):
    assert faults(rehearsed(path, every)) == []


@every_set
def test_the_exercises_are_what_their_solution_makes(path, every):
    if every == 1:
        assert cut.differences(path, rehearsed(path, every)) == []
        return
    for target, text in cut.derived(path, rehearsed(path, every)).items():
        if target.suffix != ".json":
            assert target.read_text(encoding="utf-8") == text
            continue
        stored, answers = record.read(target), read_answers(read_set(path))
        for name, task in stored.tasks.items():
            told = [(wrong.name, wrong.says) for wrong in task.wrong]
            assert told == [(wrong.name, wrong.says) for wrong in answers[name].wrong]
        sample = {
            name: replace(task, wrong=task.wrong[::every]) for name, task in stored.tasks.items()
        }
        assert record.written(replace(stored, tasks=sample)) == text


ALONE = """
import json, sys
from pathlib import Path
from coursekit.source.rehearse import right
from coursekit.source.tasks import read_set

print(json.dumps({path: right(read_set(Path(path))) for path in sys.argv[1:]}))
"""
OLD_PROCESSOR = {
    "ATEN_CPU_CAPABILITY": "default",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
    "OMP_NUM_THREADS": "2",
}


@pytest.mark.slow
def test_solutions_print_the_same_on_an_old_processor_with_more_threads():
    done = subprocess.run(
        [sys.executable, "-c", ALONE, *map(str, SETS)],
        text=True,
        capture_output=True,
        timeout=1800,
        env=os.environ | OLD_PROCESSOR,
    )
    assert done.returncode == 0, done.stderr
    there = json.loads(done.stdout)
    for path in SETS:
        for r in rehearsed(path, 1):
            for cell in r.task.checks:
                assert there[str(path)][cell.id] == r.right[cell.id], f"{path.stem}: {cell.id}"


def test_no_file_is_astray():
    assert strays(ROOT) == []
