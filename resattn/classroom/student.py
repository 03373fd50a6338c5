"""A student's notebook, and what of it counts: the answers, put into the exercise as it was given.

Checks, helpers and fields always come from the record; from the student's file only the answers
are taken, by cell id, and the cells that the student added, each after the cell it follows.
"""

import ast
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

from resattn.classroom import expected
from resattn.classroom.imports import forbidden


@dataclass(frozen=True)
class Submission:
    """A student's file, its cells by id, and the record of its set."""

    path: Path
    cells: dict[str, NotebookNode]
    record: dict

    @property
    def name(self) -> str:
        """NN_name."""
        return self.record["set"]

    @property
    def home(self) -> Path:
        """The folder of the student's own files."""
        return self.path.parent / "mine"

    def source(self, cell: str) -> str | None:
        """What the student's file has in a cell; None if the cell is not there."""
        return self.cells[cell].source if cell in self.cells else None

    def given(self, cell: str) -> str:
        """What the exercise had there."""
        return next(each["source"] for each in self.record["notebook"] if each["id"] == cell)

    def unwritten(self, cell: str) -> bool:
        """Whether an answer is missing, or still as it was given."""
        mine = self.source(cell)
        return mine is None or mine.strip() == self.given(cell).strip()

    def missing(self) -> list[str]:
        """The answer cells, and the cells for words, that are not written."""
        cells = [task[part] for task in self.record["tasks"].values()
                 for part in ("answer", "words") if task[part]]
        return [cell for cell in cells if self.unwritten(cell)]

    def grafted(self) -> NotebookNode:
        """The exercise as it was given, with this student's answers and added code cells."""
        answers = {task["answer"] for task in self.record["tasks"].values()}
        cells = []
        added = self._added()
        for given in self.record["notebook"]:
            if given["cell_type"] != "code":
                cells += added.get(given["id"], [])
                continue
            mine = self.source(given["id"]) if given["id"] in answers else None
            source = given["source"] if mine is None else mine
            cells.append(nbformat.v4.new_code_cell(source, id=given["id"]))
            cells += added.get(given["id"], [])
        return nbformat.v4.new_notebook(cells=cells)

    def strange(self, task: dict) -> list[str]:
        """What the answer to a task imports though the task does not allow it."""
        try:
            return forbidden(ast.parse(self.source(task["answer"]) or ""), task["imports"])
        except SyntaxError:
            return []  # its check says more about it

    def _added(self) -> dict[str | None, list[NotebookNode]]:
        """Code cells that are not the exercise's, by the id of the cell that they follow."""
        known = {cell["id"] for cell in self.record["notebook"]}
        found: dict[str | None, list[NotebookNode]] = {}
        last = self.record["notebook"][0]["id"]
        for identity, cell in self.cells.items():
            if identity in known:
                last = identity
            elif cell.cell_type == "code":
                copy = nbformat.v4.new_code_cell(cell.source, id=identity)
                found.setdefault(last, []).append(copy)
        return found


def find(exercise: str, folder: Path | None = None) -> Path:
    """The notebook that a path or a number such as 05 names. Raises ValueError if none does."""
    if not exercise.isdigit():
        return Path(exercise)
    folder = folder or (Path("exercises") if Path("exercises").is_dir() else Path())
    found = sorted(folder.glob(f"{int(exercise):02}_*.ipynb"))
    if len(found) != 1:
        have = ", ".join(sorted(path.stem[:2] for path in folder.glob("[0-9][0-9]_*.ipynb")))
        raise ValueError(f"{folder}/ has no one set {exercise}; it has {have or 'none'}")
    return found[0]


def read(path: Path) -> Submission:
    """Read a student's notebook or percent file. Raises ValueError, a sentence, if it will not."""
    if not path.is_file():
        raise ValueError(f"there is no {path}; give a notebook of exercises/, or its number")
    record = expected.load(path.stem, path.parent) or expected.load(path.stem)
    if record is None:
        raise ValueError(f"no expected/{path.stem}.json beside {path}: a set keeps its name, and "
                         "stays in the folder exercises/")
    try:
        text = path.read_text(encoding="utf-8")
        notebook = jupytext.reads(text, fmt="py:percent" if path.suffix == ".py" else "ipynb")
    except Exception as error:  # the reader raises whatever it stumbles over
        raise ValueError(f"{path} does not open as a notebook: {type(error).__name__}; "
                         "`python -m resattn reset` gives a new one and keeps this") from None
    cells = {}
    for k, cell in enumerate(notebook.cells):
        title = cell.metadata.get("title") if path.suffix == ".py" else cell.get("id")
        cells[title or f"added-{k}"] = cell
    return Submission(path, cells, record)
