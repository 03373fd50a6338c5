"""Make the exercise from a solution: cut answers out, remove hidden checks, execute nothing.

Two files are made from `solutions/NN_name.py` and `.toml`, and are never edited: the notebook
`exercises/NN_name.ipynb`, and the record `exercises/expected/NN_name.json`.
"""

from pathlib import Path

import nbformat
from nbformat import NotebookNode

from coursekit.checks import record
from coursekit.checks.record import GivenCell, Record
from coursekit.source.markers import YOUR_TURN, solved, stub, words_stub
from coursekit.source.pairs import REPAIR, read_text, written
from coursekit.source.rehearse import Rehearsal, faults, rehearse
from coursekit.source.tasks import ExerciseSet, Task, is_hidden, read_set


def derived(solution: Path, rehearsals: list[Rehearsal] | None = None) -> dict[Path, str]:
    """Return the text of every file that a solution makes, by path.

    The set is rehearsed unless ``rehearsals`` are given.

    Raises:
        ValueError: one sentence, for a malformed set, or one whose checks are not proven.
    """
    exercises = read_set(solution)
    rehearsals = rehearse(exercises) if rehearsals is None else rehearsals
    if unproven := faults(rehearsals):
        raise ValueError(f"{solution}, {unproven[0]}")
    folder = solution.parent.parent / "exercises"
    target = folder / f"{exercises.name}.ipynb"
    notebook = cut(exercises, target)
    made = Record(
        set=exercises.name,
        seed=0,
        tasks={rehearsal.task.id: rehearsal.record for rehearsal in rehearsals},
        notebook=given_cells(notebook),
    )
    return {
        target: nbformat.writes(notebook) + "\n",
        folder / "expected" / f"{exercises.name}.json": record.written(made),
    }


def differences(solution: Path, rehearsals: list[Rehearsal] | None = None) -> list[str]:
    """Return a sentence per difference between the stored files and those that a solution makes."""
    return [
        fault
        for path, text in derived(solution, rehearsals).items()
        for fault in _differences(path, text, solution)
    ]


def worked_on(path: Path, made: str) -> bool:
    """Return True if the student ran or edited the exercise."""
    try:
        stored, stubs = (
            {
                cell.get("metadata", {}).get("title"): cell
                for cell in nbformat.reads(text, as_version=4).cells
            }
            for text in (path.read_text(encoding="utf-8"), made)
        )
    except Exception:  # whatever it is by now, somebody made it so
        return True
    if any(cell.get("outputs") or cell.get("execution_count") for cell in stored.values()):
        return True
    theirs = [
        cell.source
        for name, cell in stored.items()
        if str(name).endswith(("-answer", "-words"))
        and (name not in stubs or cell.source != stubs[name].source)
    ]
    return any(YOUR_TURN not in source for source in theirs)


def cut(exercises: ExerciseSet, target: Path) -> NotebookNode:
    """Return the exercise notebook, as it would be read from `target`."""
    tasks = {task.id: task for task in exercises.tasks}
    answers = {task.answer.id: task for task in exercises.tasks}
    words = {task.words.id: task for task in exercises.tasks if task.words}
    cells: list[NotebookNode] = []
    for cell in exercises.notebook.cells:
        made = NotebookNode(cell)
        if is_hidden(cell):
            continue
        if not cells:
            made.source = _under_heading(cell.source, _whole(exercises))
        elif cell.id in tasks:
            made.source = _under_heading(cell.source, _line(tasks[cell.id]))
        elif cell.id in answers:
            task = answers[cell.id]
            cells += [_fold(task, tasks[need]) for need in task.needs]
            made.source = stub(cell, task.id)
        elif cell.id in words:
            made.source = words_stub(cell)
        cells.append(made)
    notebook = NotebookNode(exercises.notebook, cells=cells)
    return read_text(written(notebook), target)


def given_cells(notebook: NotebookNode) -> tuple[GivenCell, ...]:
    """Return an exercise's cells in the form of its record."""
    return tuple(
        GivenCell(cell.id, cell.cell_type, dict(cell.metadata), cell.source)
        for cell in notebook.cells
    )


def _line(task: Task) -> str:
    parts = [f"*Difficulty {task.difficulty} of 5", f"{task.minutes} minutes"]
    shown = sum(cell.metadata.points for cell in task.visible)
    if task.points == shown:
        return ", ".join([*parts, f"{task.points} points*"])
    hidden = sum(cell.metadata.points for cell in task.checks) - shown
    words = task.points - shown - hidden
    more = [f"{shown} by the check below"] + [f"{hidden} by other inputs"] * bool(hidden)
    more += [f"{words} for your words"] * bool(words)
    return ", ".join([*parts, f"{task.points} points: " + ", ".join(more) + "*"])


def _whole(exercises: ExerciseSet) -> str:
    minutes = sum(task.minutes for task in exercises.tasks)
    points = sum(task.points for task in exercises.tasks)
    return f"*{len(exercises.tasks)} tasks, about {minutes} minutes, {points} points*"


def _under_heading(source: str, line: str) -> str:
    heading, _, rest = source.partition("\n")
    return f"{heading}\n\n{line}\n\n{rest.strip()}".rstrip()


def _fold(task: Task, need: Task) -> NotebookNode:
    cell = nbformat.v4.new_markdown_cell(
        f"<details><summary>Stuck in task {need.number}? Its reference, to copy into a cell of "
        f"your own</summary>\n\n```python\n{solved(need.answer)}\n```\n\n</details>",
        id=f"{task.id}-needs-{need.id}",
    )
    cell.metadata.title = cell.id
    return cell


def _differences(path: Path, text: str, solution: Path) -> list[str]:
    tail = f"differs from what {solution} makes; {REPAIR}"
    if not path.exists():
        return [f"{path} is missing; {REPAIR}"]
    stored = path.read_text(encoding="utf-8")
    if stored == text:
        return []
    if path.suffix != ".ipynb":
        ours, theirs = text.splitlines(), stored.splitlines()
        pairs = zip([*ours, None], [*theirs, None], strict=False)
        line = next((k for k, (a, b) in enumerate(pairs, 1) if a != b), len(ours))
        return [f"{path}, line {line}, {tail}"]
    try:
        found = nbformat.reads(stored, as_version=4).cells
    except (ValueError, nbformat.ValidationError):
        return [f"{path} is not a notebook any more; {REPAIR}"]
    made = nbformat.reads(text, as_version=4).cells
    if [cell.id for cell in made] != [cell.get("id") for cell in found]:
        return [f"{path} has other cells than {solution} makes; {REPAIR}"]
    names = [a.id for a, b in zip(made, found, strict=True) if a != b]
    return [f"{path}, cell {name!r}, {tail}" for name in names] or [f"{path} {tail}"]
