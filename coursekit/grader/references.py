"""The reference of a grading session: right lines for its seed, machine and environment.

The lines come from the solution, run like a submission. The known mistakes come from a rehearsal of
all wrong answers, in a process of its own that loads torch. Both must agree on the right lines.
"""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path

from coursekit.checks.record import MEASURED, TaskRecord
from coursekit.dataclass_json import decode, encode
from coursekit.grader.engine import Engine
from coursekit.grader.pristine import Pristine, read
from coursekit.grader.runs import NotebookRun
from coursekit.sandbox.launch import Sandbox
from coursekit.source.rehearse import rehearse


@dataclass(frozen=True)
class Reference:
    """The right lines of each check cell, and the record of each task with these lines."""

    right: Mapping[str, list[str]]
    tasks: Mapping[str, TaskRecord]

    def points(self, run: NotebookRun) -> dict[str, int]:
        """Return the points of each task in one run."""
        return {
            name: sum(earned(task, cell, run) for cell in task.cells)
            for name, task in self.tasks.items()
        }

    @property
    def full(self) -> dict[str, int]:
        """The points that the checks of each task can give."""
        return {
            name: sum(cell.points for cell in task.cells.values())
            for name, task in self.tasks.items()
        }


def earned(task: TaskRecord, cell: str, run: NotebookRun) -> int:
    """Return the points of a check cell, whose lines must be right for nbval and for the record."""
    done = run.cells.get(cell)
    if done is None or not done.passed:
        return 0
    return task.verdict(cell, done.printed.splitlines()).points


@contextlib.contextmanager
def rehearsal(pristine: Pristine, seed: int) -> Iterator[subprocess.Popen[str]]:
    """Start a process that tries all answers of the set's source; it runs during the block."""
    with subprocess.Popen(
        [sys.executable, "-m", __name__, str(pristine.exercises.path), str(seed)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def record(
    pristine: Pristine, engine: Engine, sandbox: Sandbox, rehearsing: subprocess.Popen[str]
) -> Reference:
    """Return the reference of this session.

    Raises:
        ValueError: if the solution does not run, or prints other lines than in the rehearsal.
    """
    run = engine.run(pristine.notebook(pristine.solution()), sandbox)
    out, trouble = rehearsing.communicate()
    if rehearsing.returncode:
        raise ValueError(
            f"{pristine.exercises.path} cannot be rehearsed: "
            f"{(trouble.strip().splitlines() or ['no reason given'])[-1]}"
        )
    tasks = {name: decode(TaskRecord, task, name) for name, task in json.loads(out).items()}
    if run.broke_in is not None:
        raise ValueError(
            f"{pristine.exercises.path}: the solution breaks off in the cell "
            f"{run.broke_in!r}: {run.why}"
        )
    right = {
        cell: run.cells[cell].printed.splitlines() for task in tasks.values() for cell in task.cells
    }
    for task in tasks.values():
        for cell, recorded in task.cells.items():
            if list(map(_steady, recorded.lines)) != list(map(_steady, right[cell])):
                other = next(
                    line for line in [*right[cell], "nothing"] if line not in recorded.lines
                )
                raise ValueError(
                    f"{pristine.exercises.path}, cell {cell!r}: the solution printed {other!r} in "
                    "a kernel and something else in a rehearsal; it must not depend on where or "
                    "in what order it runs"
                )
    return Reference(right, {name: _with_lines(task, right) for name, task in tasks.items()})


def prove(
    pristine: Pristine, reference: Reference, engine: Engine, sandbox: Sandbox, pool: Executor
) -> None:
    """Try answers whose fair points are known.

    Raises:
        ValueError: if the grader gives other points.
    """
    solution, full = pristine.solution(), reference.full
    nothing = dict.fromkeys(full, 0)
    trials: list[tuple[str, dict[str, list[str]], dict[str, int]]] = [
        ("the solution", solution, full),
        ("the unsolved exercise", {}, nothing),
        (
            "an exercise whose answers raise errors",
            {task: ["raise RuntimeError('on purpose')"] for task in solution},
            nothing,
        ),
        *(
            (
                f"the solution without its answer {task!r}",
                {name: cells for name, cells in solution.items() if name != task},
                full | {task: 0},
            )
            for task in solution
        ),
    ]

    def trial(answers: dict[str, list[str]]) -> dict[str, int]:
        return reference.points(
            engine.run(pristine.notebook(answers, right=reference.right), sandbox)
        )

    for (what, _, want), have in zip(
        trials, pool.map(trial, (answers for _, answers, _ in trials)), strict=True
    ):
        if have != want:
            wrong = next(task for task in want if have[task] != want[task])
            raise ValueError(
                f"the grader does not prove itself on {pristine.name}: {what} gets {have[wrong]} "
                f"points for {wrong!r}, and not {want[wrong]}; nothing was graded"
            )


def _steady(line: str) -> str:
    label, mark, _ = line.partition(f": {MEASURED}")
    return label + mark


def _with_lines(task: TaskRecord, right: Mapping[str, list[str]]) -> TaskRecord:
    cells = {name: replace(cell, lines=tuple(right[name])) for name, cell in task.cells.items()}
    return replace(task, cells=cells)


def _rehearsed(source: str, seed: int) -> dict[str, TaskRecord]:
    tried = rehearse(read(Path(source)).exercises, seed)
    return {done.task.id: done.recorded(done.task.checks) for done in tried}


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):
        result = _rehearsed(sys.argv[1], int(sys.argv[2]))
    print(json.dumps(encode(result)))
