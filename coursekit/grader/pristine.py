"""The instructor's copy of each set, and its notebook with a student's answers put into it.

Everything but the answers comes from here. Hidden checks stand behind all others, so that nothing
that runs after one can show what was in it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from coursekit.checks.record import CellRecord, Record, TaskRecord
from coursekit.source.cut import cut, given_cells
from coursekit.source.markers import solved, stub
from coursekit.source.tasks import ExerciseSet, Task, is_hidden, read_set
from coursekit.submissions.given import graft


@dataclass(frozen=True)
class Pristine:
    """The instructor's own copy of a set."""

    exercises: ExerciseSet

    @property
    def name(self) -> str:
        """NN_name."""
        return self.exercises.name

    @property
    def title(self) -> str:
        """The subject, from the first line."""
        return self.exercises.notebook.cells[0].source.splitlines()[0].partition(": ")[2]

    @cached_property
    def tasks(self) -> dict[str, Task]:
        """The tasks by id."""
        return {task.id: task for task in self.exercises.tasks}

    @cached_property
    def given(self) -> Record:
        """The exercise as students got it, as a record without lines; answers are matched to it."""
        folder = self.exercises.path.parent.parent / "exercises"
        return Record(
            set=self.name,
            seed=0,
            tasks={
                task.id: TaskRecord(
                    title=task.title,
                    answer=task.answer.id,
                    words=task.words.id if task.words else None,
                    points=task.points,
                    names=task.names,
                    imports=task.imports,
                    hints=task.hints,
                    cells={cell.id: CellRecord(cell.metadata.points, ()) for cell in task.visible},
                    within={},
                    wrong=(),
                )
                for task in self.exercises.tasks
            },
            notebook=given_cells(cut(self.exercises, folder / self.exercises.path.name)),
        )

    @property
    def sources(self) -> list[str]:
        """All code that is the same for every student, and the imports that students may add.

        It is the code of all cells, with stubs for answers.
        """
        answers = {task.answer.id: stub(task.answer, task.id) for task in self.exercises.tasks}
        allowed = [f"import {name}" for task in self.exercises.tasks for name in task.imports]
        return [*(answers.get(cell.id, cell.source) for cell in self.exercises.code()), *allowed]

    def solution(self) -> dict[str, list[str]]:
        """Return the answers of the solution by task."""
        return {task.id: [solved(task.answer)] for task in self.exercises.tasks}

    def notebook(
        self,
        answers: Mapping[str, Iterable[str]],
        *,
        before: Iterable[str] = (),
        right: Mapping[str, list[str]] | None = None,
    ) -> NotebookNode:
        """Return the notebook with these answers, cell by cell, and a stub where a task has none.

        ``before`` are cells that run after the set's own first ones. With ``right``, what each
        check should print, nbval compares; without, the checks are only run.
        """
        checks = {cell.id: cell for task in self.exercises.tasks for cell in task.checks}
        wanted = {
            task.answer.id: list(answers.get(task.id) or [stub(task.answer, task.id)])
            for task in self.exercises.tasks
        }
        code = ((cell.id, cell.source) for cell in self.exercises.code())
        cells: list[NotebookNode] = []
        hidden: list[NotebookNode] = []
        for name, source in graft(code, wanted, before):
            check = checks.get(name)
            made = _cell(name, source, right[name] if right and check else None)
            (hidden if check and is_hidden(check) else cells).append(made)
        return nbformat.v4.new_notebook(cells=[*cells, *hidden])


def manual_points(task: Task) -> int:
    """Return the points that the instructor can give for the words of a task."""
    return task.words.metadata.manual if task.words else 0


def load_sets(folder: Path) -> dict[str, Pristine]:
    """Read all sets of a folder of solutions, by name.

    Raises:
        ValueError: one sentence, if there is none, or one is malformed.
    """
    if not folder.is_dir():
        raise ValueError(
            f"there is no folder {folder} with solutions; call this in the course's "
            "folder, or name yours with --sets"
        )
    paths = sorted(folder.glob("[0-9][0-9]_*.py"))
    if not paths:
        raise ValueError(f"{folder} has no solutions, which are files such as 05_name.py")
    return {path.stem: read(path) for path in paths}


def choose(sets: Mapping[str, Pristine], wanted: str | None) -> dict[str, Pristine]:
    """Return the set with this number or name; all sets if none is wanted.

    Raises:
        ValueError: one sentence, if there is none.
    """
    number = f"{int(wanted):02}" if wanted and wanted.isdecimal() else None
    found = {
        name: exercises
        for name, exercises in sets.items()
        if wanted in (None, name) or number == name[:2]
    }
    if not found:
        have = ", ".join(name[:2] for name in sets)
        raise ValueError(f"there is no set {wanted}; there are {have}")
    return found


def read(path: Path) -> Pristine:
    """Read a set's source.

    Raises:
        ValueError: one sentence, if it is malformed.
    """
    return Pristine(read_set(path))


def _cell(name: str, source: str, lines: list[str] | None = None) -> NotebookNode:
    """Return a code cell; nbval compares it only if it has lines to compare with."""
    cell = nbformat.v4.new_code_cell(source, id=name)
    if lines is not None:
        text = "".join(f"{line}\n" for line in lines)
        cell.update(execution_count=1, outputs=[nbformat.v4.new_output("stream", text=text)])
    return cell
