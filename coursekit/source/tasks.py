"""An exercise set as it is written: the tasks that the cells of `solutions/NN_name.py` make.

The id of a cell says what it is: `merge` opens a task, `merge-answer`, `merge-check`,
`merge-check-2`, `merge-hidden`, `merge-words` and `merge-hints` belong to it. What is malformed is
refused with one sentence that names file and cell. `solutions/README.md` shows how to write one.
"""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from coursekit.checks.imports import forbidden
from coursekit.source import rules
from coursekit.source.markers import Malformed, words_region
from coursekit.source.pairs import read_source

POINTS = 100
_PART = re.compile(r"(.+)-(answer|check|check-\d|hidden|words|hints)")


@dataclass(frozen=True)
class Task:
    """One task: its cells, and the fields of its heading."""

    id: str
    number: int
    title: str
    difficulty: int
    minutes: int
    imports: tuple[str, ...]
    needs: tuple[str, ...]
    answer: NotebookNode
    names: tuple[str, ...]
    checks: tuple[NotebookNode, ...]
    words: NotebookNode | None
    hints: tuple[str, ...]

    @property
    def visible(self) -> tuple[NotebookNode, ...]:
        """The check cells that the student has too."""
        return tuple(cell for cell in self.checks if not is_hidden(cell))

    @property
    def points(self) -> int:
        """Of all checks, and of the words that the instructor reads."""
        manual = self.words.metadata.manual if self.words else 0
        return manual + sum(cell.metadata.points for cell in self.checks)


@dataclass(frozen=True)
class ExerciseSet:
    """A source notebook and the tasks in it."""

    path: Path
    notebook: NotebookNode
    tasks: tuple[Task, ...]

    @property
    def name(self) -> str:
        """NN_name."""
        return self.path.stem

    def code(self) -> list[NotebookNode]:
        """The code cells, in order."""
        return [cell for cell in self.notebook.cells if cell.cell_type == "code"]


def is_hidden(cell: NotebookNode) -> bool:
    """Whether a check is kept from the exercises."""
    return cell.id.endswith("-hidden")


def read_set(path: Path) -> ExerciseSet:
    """Read a source. Raises ValueError for a malformed one: a sentence with file and cell."""
    notebook, inside = read_source(path), "top"
    try:
        heads = [cell for cell in notebook.cells if "task" in cell.metadata]
        parts = {head.id: {} for head in heads}
        for cell in notebook.cells:
            if cell.id in parts:
                inside = cell.id
            elif match := _PART.fullmatch(cell.id):
                if match[1] != inside:
                    raise Malformed(
                        cell,
                        f"stands in the task {inside!r} and not under a heading "
                        f"`# %% {match[1]} [markdown] task={{...}}`",
                    )
                parts[inside][match[2]] = cell
        _top(notebook, path)
        given = _imported(notebook)
        tasks = tuple(_task(head, k, parts[head.id], given) for k, head in enumerate(heads, 1))
        for k, task in enumerate(tasks):
            for need in task.needs:
                if need not in [earlier.id for earlier in tasks[:k]]:
                    raise Malformed(heads[k], f"needs {need!r}, which is no earlier task")
    except Malformed as error:
        raise ValueError(f"{path}, cell {error.cell.id!r}: {error}") from None
    total = sum(task.points for task in tasks)
    if total != POINTS:
        each = ", ".join(f"{task.id} {task.points}" for task in tasks)
        raise ValueError(f"{path}: the points make {total}, and not {POINTS} ({each})")
    return ExerciseSet(path, notebook, tasks)


def _top(notebook: NotebookNode, path: Path) -> None:
    number, calls = path.stem[:2], []
    if not notebook.cells[0].source.startswith(f"# Exercises {number}: "):
        raise Malformed(notebook.cells[0], f"must begin with '# Exercises {number}: its subject'")
    for cell in notebook.cells:
        calls += [cell.source.count(f'exercise_set("{path.stem}")')]
    if sum(calls) != 1:
        raise Malformed(notebook.cells[0], f'one cell below must call exercise_set("{path.stem}")')


def _task(head: NotebookNode, number: int, parts: dict, given: set[str]) -> Task:
    fields = rules.fields(head)
    heading = re.match(rf"## Task {number}: (.+)", head.source)
    if not heading:
        raise Malformed(head, f"must begin with '## Task {number}: its title'")
    for part in ("answer", "check", "hints"):
        if part not in parts:
            raise Malformed(head, f"has no cell `{head.id}-{part}`")
    imports = tuple(fields.get("imports", ()))
    answer, words = parts["answer"], parts.get("words")
    names = tuple(rules.names(answer, {*imports, *given}))
    checks = [cell for part, cell in parts.items() if part.startswith(("check", "hidden"))]
    for cell in checks:
        rules.check(cell)
    if words is not None:
        words_region(words)
        rules.positive(words, "manual")
    return Task(
        head.id,
        number,
        heading[1].strip(),
        fields["difficulty"],
        fields["minutes"],
        tuple(sorted({*imports, *given})),
        tuple(fields.get("needs", ())),
        answer,
        names,
        tuple(checks),
        words,
        tuple(rules.hints(parts["hints"])),
    )


def _imported(notebook: NotebookNode) -> set[str]:
    """What the other cells import at top level: answers may use it."""
    found: set[str] = set()
    for cell in notebook.cells:
        if cell.cell_type == "code" and not _PART.fullmatch(cell.id):
            for node in rules.parsed(cell).body:
                if isinstance(node, ast.Import | ast.ImportFrom):
                    found |= set(forbidden(node, ()))
    return {name for name in found if name.partition(".")[0] != "coursekit"}
