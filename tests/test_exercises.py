"""Every exercise set is proven: its solution passes, its stub fails, each mistake is told."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from coursekit.source import cut
from coursekit.source.pairs import strays
from coursekit.source.rehearse import Rehearsal, faults, rehearse
from coursekit.source.tasks import POINTS, read_set

ROOT = Path(__file__).resolve().parents[1]
SETS = sorted((ROOT / "solutions").glob("*.py"))
every_set = pytest.mark.parametrize("path", SETS, ids=lambda path: path.stem)


@cache
def rehearsed(path: Path) -> list[Rehearsal]:
    return rehearse(read_set(path))


def full(rehearsal: Rehearsal) -> int:
    return sum(cell.metadata.points for cell in rehearsal.task.visible)


@every_set
def test_a_solution_passes_everything_and_its_points_make_100(path):
    assert [r.earned(r.right) for r in rehearsed(path)] == [full(r) for r in rehearsed(path)]
    assert sum(r.task.points for r in rehearsed(path)) == POINTS
    assert 4 <= len(rehearsed(path)) <= 6


@every_set
def test_an_unsolved_exercise_fails_every_check(path):
    for r in rehearsed(path):
        assert r.earned(r.stub) == 0
        assert not [cell.id for cell in r.task.checks if r.stub[cell.id] == r.right[cell.id]]


@every_set
def test_a_right_answer_written_differently_passes(path):
    assert [r.earned(r.different) for r in rehearsed(path)] == [full(r) for r in rehearsed(path)]


@every_set
def test_every_wrong_answer_loses_points_and_is_told_why(path):
    for r in rehearsed(path):
        assert len(r.answers.wrong) >= 6
        for wrong in r.answers.wrong:
            assert r.earned(r.wrong[wrong.name]) < full(r), f"{r.task.id}: {wrong.name}"
            assert r.told(r.wrong[wrong.name]) == [wrong.says], f"{r.task.id}: {wrong.name}"


@every_set
def test_nothing_is_left_unproven(path):
    assert faults(rehearsed(path)) == []


@every_set
def test_the_exercises_are_what_their_solution_makes(path):
    assert cut.differences(path, rehearsed(path)) == []


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


def test_solutions_print_the_same_on_an_old_processor_with_more_threads():
    done = subprocess.run(
        [sys.executable, "-c", ALONE, *map(str, SETS)],
        text=True,
        capture_output=True,
        timeout=600,
        env=os.environ | OLD_PROCESSOR,
    )
    assert done.returncode == 0, done.stderr
    there = json.loads(done.stdout)
    for path in SETS:
        for r in rehearsed(path):
            for cell in r.task.checks:
                assert there[str(path)][cell.id] == r.right[cell.id], f"{path.stem}: {cell.id}"


def test_no_file_is_astray():
    assert strays(ROOT) == []
