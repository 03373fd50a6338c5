"""A student's notebook, and what of it counts: the answers, put into the exercise as it was given.

Checks, helpers and fields always come from the record; from the student's file only the answers
are taken, with the cells that the student added to them. They are found as the grader finds them,
by `finding`: an editor that gave all cells other ids, or a copy under another name, costs nothing.
"""

from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from coursekit.checks.record import Record, load, load_all
from coursekit.checks.static_checks import not_allowed, workarounds
from coursekit.mine import home
from coursekit.submissions.given import graft
from coursekit.submissions.matching import Match, match, set_of
from coursekit.submissions.reading import Unreadable, read_notebook


@dataclass(frozen=True)
class Submission:
    """A student's file, what in it answers the tasks, the record of its set, and what was odd."""

    path: Path
    match: Match
    record: Record
    notes: tuple[str, ...]

    @property
    def name(self) -> str:
        """NN_name."""
        return self.record.set

    @property
    def home(self) -> Path:
        """The folder of the student's own files."""
        return home(self.path.parent)

    def answer(self, task: str) -> list[str]:
        """The cells that answer a task, with those added to them; empty if there are none."""
        return self.match.answers[task].code

    def absent(self, task: str) -> bool:
        """Whether nothing in the file could be the answer."""
        return not self.match.answers[task].sources

    def unwritten(self, task: str) -> bool:
        """Whether an answer is missing, or still as it was given."""
        return self.match.answers[task].is_still(self.record.given(task))

    def missing(self) -> list[str]:
        """The answer cells, and the cells for words, that are not written."""
        found = []
        for name, task in self.record.tasks.items():
            found += [task.answer] if self.unwritten(name) else []
            found += [task.words] if task.words and not self.match.words.get(name) else []
        return found

    def grafted(self) -> NotebookNode:
        """The exercise as it was given, with this student's answers and added code cells."""
        code = ((cell.id, cell.source) for cell in self.record.notebook if cell.cell_type == "code")
        answers = {
            task.answer: self.answer(name) or [self.record.given(name)]
            for name, task in self.record.tasks.items()
        }
        return nbformat.v4.new_notebook(
            cells=[
                nbformat.v4.new_code_cell(source, id=name)
                for name, source in graft(code, answers, self.match.before)
            ]
        )

    def strange(self, task: str) -> list[str]:
        """Return what the answer to a task imports though the task does not allow it."""
        return not_allowed(self.answer(task), self.record.tasks[task].imports)

    def left_out(self) -> list[str]:
        """Return a sentence for each own cell above the tasks that the grader will not run."""
        allowed = [name for task in self.record.tasks.values() for name in task.imports]
        found = {
            source: [*not_allowed([source], allowed), *workarounds([source])]
            for source in self.match.before
        }
        return [
            f"Your cell that begins {source.strip().splitlines()[0][:40]!r} uses "
            f"{', '.join(names)}: in grading it is left out"
            for source, names in found.items()
            if names
        ]


def read(path: Path) -> Submission:
    """Read a student's notebook or percent file. Raises ValueError, a sentence, if it will not."""
    if not path.is_file():
        raise ValueError(f"there is no file {path}; give a notebook, or its number such as 05")
    try:
        reading = read_notebook(path.read_bytes(), path.name)
    except Unreadable as error:
        raise ValueError(
            f"{path} does not open as a notebook: {error}; "
            "`python -m coursekit reset` gives a new one and keeps this"
        ) from None
    record = load(path.stem, path.parent) or _recognised(path, reading.cells)
    if record is None:
        raise ValueError(
            f"{path} is no notebook of this course's exercise sets; give one of work/exercises, "
            "or call this in your copy of the course"
        )
    found = match(reading.cells, record)
    return Submission(path, found, record, (*reading.notes, *found.notes))


def _recognised(path: Path, cells: tuple) -> Record | None:
    """The record of a set under another name."""
    records = load_all(path.parent)
    name = set_of(cells, path.name, records)
    return records[name] if name else None
