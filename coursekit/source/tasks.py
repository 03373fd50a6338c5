"""The tasks of an exercise set, read from the cells of `solutions/NN_name.py`.

The id of a cell gives its role: `merge` opens a task, and `merge-answer`, `merge-check`,
`merge-check-2`, `merge-hidden`, `merge-words` and `merge-hints` belong to it. A malformed set is
refused with one sentence that names file and cell. `solutions/README.md` shows how to write a set.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from coursekit.checks.imports import forbidden
from coursekit.source.markers import Malformed, regions, words_region
from coursekit.source.pairs import read_source

POINTS = 100
FIELDS = {"difficulty": int, "minutes": int, "imports": list, "needs": list}
_HINT = re.compile(r"<details><summary>Hint (\d)</summary>\s*(.*?)\s*</details>", re.DOTALL)
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
        """The check cells that students have too."""
        return tuple(cell for cell in self.checks if not is_hidden(cell))

    @property
    def points(self) -> int:
        """Points of all checks, and of the words that the instructor reads."""
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
        """The name of the set, such as 05_arl_fix."""
        return self.path.stem

    def code(self) -> list[NotebookNode]:
        """Return the code cells, in order."""
        return [cell for cell in self.notebook.cells if cell.cell_type == "code"]


def is_hidden(cell: NotebookNode) -> bool:
    """Return True for a check that students do not get."""
    return cell.id.endswith("-hidden")


def read_set(path: Path) -> ExerciseSet:
    """Read a set.

    Raises:
        ValueError: one sentence with file and cell, for a malformed set.
    """
    notebook, inside = read_source(path), "top"
    try:
        heads = [cell for cell in notebook.cells if "task" in cell.metadata]
        parts: dict[str, dict[str, NotebookNode]] = {head.id: {} for head in heads}
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
                    raise Malformed(heads[k], f"needs {need!r}, which is not an earlier task")
    except Malformed as error:
        raise ValueError(f"{path}, cell {error.cell.id!r}: {error}") from None
    total = sum(task.points for task in tasks)
    if total != POINTS:
        listed = ", ".join(f"{task.id} {task.points}" for task in tasks)
        raise ValueError(f"{path}: the points make {total}, and not {POINTS} ({listed})")
    return ExerciseSet(path, notebook, tasks)


def _top(notebook: NotebookNode, path: Path) -> None:
    number, call = path.stem[:2], f'exercise_set("{path.stem}")'
    if not notebook.cells[0].source.startswith(f"# Exercises {number}: "):
        raise Malformed(notebook.cells[0], f"must begin with '# Exercises {number}: its subject'")
    if sum(cell.source.count(call) for cell in notebook.cells) != 1:
        raise Malformed(notebook.cells[0], f"one cell below must call {call}")


def _task(head: NotebookNode, number: int, parts: dict[str, NotebookNode], given: set[str]) -> Task:
    fields = _fields(head)
    heading = re.match(rf"## Task {number}: (.+)", head.source)
    if not heading:
        raise Malformed(head, f"must begin with '## Task {number}: its title'")
    for part in ("answer", "check", "hints"):
        if part not in parts:
            raise Malformed(head, f"has no cell `{head.id}-{part}`")
    imports = tuple(fields.get("imports", ()))
    answer, words = parts["answer"], parts.get("words")
    names = tuple(_names(answer, {*imports, *given}))
    checks = [cell for part, cell in parts.items() if part.startswith(("check", "hidden"))]
    for cell in checks:
        _refuse_weak_check(cell)
    if words is not None:
        words_region(words)
        _need_positive(words, "manual")
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
        tuple(_hints(parts["hints"])),
    )


def _imported(notebook: NotebookNode) -> set[str]:
    """Return the modules that other cells import at top level: answers may use them."""
    found: set[str] = set()
    for cell in notebook.cells:
        if cell.cell_type == "code" and not _PART.fullmatch(cell.id):
            for node in _parsed(cell).body:
                if isinstance(node, ast.Import | ast.ImportFrom):
                    found |= set(forbidden(node, ()))
    return {name for name in found if name.partition(".")[0] != "coursekit"}


def _fields(head: NotebookNode) -> dict[str, Any]:
    """Return the fields of a task's heading."""
    fields = head.metadata.task
    if not isinstance(fields, dict):
        raise Malformed(head, 'needs task={"difficulty": 1 to 5, "minutes": m}')
    for name, value in fields.items():
        if not isinstance(value, FIELDS.get(name, ())):
            raise Malformed(
                head,
                f"its field {name!r} is unknown or of the wrong kind; a task has "
                + ", ".join(f"{key} ({kind.__name__})" for key, kind in FIELDS.items()),
            )
    if fields.get("difficulty") not in range(1, 6) or fields.get("minutes", 0) < 1:
        raise Malformed(head, 'needs task={"difficulty": 1 to 5, "minutes": m}')
    return dict(fields)


def _names(answer: NotebookNode, allowed: set[str]) -> Iterator[str]:
    """Yield the functions and classes that an answer cell defines."""
    regions(answer)
    tree = _parsed(answer)
    strange = forbidden(tree, allowed)
    if strange:
        raise Malformed(
            answer, f"uses {', '.join(strange)}, which its task does not list in imports"
        )
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif not isinstance(node, ast.Import | ast.ImportFrom):
            raise Malformed(
                answer,
                f"line {node.lineno} is not a function, class or import; "
                "everything a student writes is one of these",
            )


def _refuse_weak_check(cell: NotebookNode) -> None:
    """Refuse a check cell that could not tell right from wrong."""
    _need_positive(cell, "points")
    tree = _parsed(cell)
    calls = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    if f"check = Check('{cell.id}')" not in [ast.unparse(node) for node in tree.body]:
        raise Malformed(cell, f'must contain the line check = Check("{cell.id}")')
    if not {"check", "check.measure"} & set(calls):
        raise Malformed(
            cell,
            "prints no line of what the student's code computes: "
            'call check("label", function, ...) in it',
        )
    if any(isinstance(node, ast.Assert) for node in ast.walk(tree)):
        raise Malformed(cell, "asserts; let check(...) print the value, which the record compares")
    if not tree.body or ast.unparse(tree.body[-1]) != "check.done()":
        raise Malformed(cell, "must end with check.done()")


def _need_positive(cell: NotebookNode, field: str) -> None:
    """Refuse a cell without a whole number of at least 1 in this field."""
    value = cell.metadata.get(field)
    if type(value) is not int or value < 1:
        raise Malformed(cell, f"needs {field}=n, a whole number of at least 1, on its first line")


def _hints(cell: NotebookNode) -> list[str]:
    """Return the hints of a task, from a gentle one to nearly the whole answer."""
    found = _HINT.findall(cell.source)
    numbers = [int(number) for number, _ in found]
    if len(found) < 2 or numbers != list(range(1, len(found) + 1)):
        raise Malformed(
            cell,
            "needs at least two folds, gentle to nearly all of it: "
            "<details><summary>Hint 1</summary> ... </details>, then Hint 2",
        )
    return [text for _, text in found]


def _parsed(cell: NotebookNode) -> ast.Module:
    """Return the syntax tree of a cell; refuses a cell that is not plain Python."""
    try:
        return ast.parse(cell.source)
    except SyntaxError as error:
        raise Malformed(cell, f"is not plain Python, line {error.lineno}: {error.msg}") from None
