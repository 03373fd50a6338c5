"""An exercise as it was given: find a student's cells in it, and put answers into it."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from functools import cache, cached_property

from coursekit.checks.record import Record
from coursekit.source.markers import YOUR_TURN
from coursekit.submissions.reading import Cell
from coursekit.submissions.statements import Statement, bare, statements, unfenced

LIKE = 0.8  # texts at least this similar count as altered copies of each other
WORDS = 400  # per text, that are compared

_HEADING = re.compile(
    r"\W*(?:task|exercise|question)\s*(\d+)\s*[:.)\u2013-]*\s*(.*)", re.IGNORECASE
)
_CHECK = re.compile(r"""\bCheck\(\s*["']([\w-]+)["']""")
_CHECKING = re.compile(r"\b(?:Check|exercise_set)\(|\bcheck(?:\.\w+)?\(")


class Given:
    """The cells of a record by id and purpose, and how similar a student's cell is to them."""

    def __init__(self, record: Record) -> None:
        self.tasks = record.tasks
        self.cells = {cell.id: cell for cell in record.notebook}
        self.answers = {task.answer: name for name, task in self.tasks.items()}
        self.checks = {cell for task in self.tasks.values() for cell in task.cells}
        self.owner = {defined: name for name, task in self.tasks.items() for defined in task.names}
        self.section: dict[str, str | None] = {}
        self.statements = cache(statements)  # as long as this notebook is matched
        self.answered = cache(self._answered)
        now = None
        for name in self.cells:
            now = name if name in self.tasks else now
            self.section[name] = now

    def stub(self, task: str) -> str:
        """Return the answer cell of a task before anybody wrote in it."""
        return self.cells[self.tasks[task].answer].source

    def identify(self, cell: Cell) -> tuple[str | None, str]:
        """Return the id of the given cell that this is, and how we know it; (None, "") if none."""
        if cell.id in self.cells:
            return cell.id, "by its cell id"
        title = cell.metadata.get("title")
        if isinstance(title, str) and title in self.cells:
            return title, "by its title"
        name = self._code(cell.source) if cell.kind == "code" else self._text(cell.source)
        return name, "by likeness" if name else ""

    def own(self, source: str) -> list[Statement]:
        """Return the statements of a cell that were not given and do not call a check."""
        return [
            statement
            for statement in self.statements(source)
            if bare(statement.source) not in self._known and not _CHECKING.search(statement.source)
        ]

    def _answered(self, source: str) -> dict[str, list[Statement]]:
        """Return the tasks for which a cell has definitions, with these definitions."""
        found: dict[str, list[Statement]] = {}
        for statement in self.own(source):
            if statement.defines in self.owner:
                found.setdefault(self.owner[statement.defines], []).append(statement)
        return found

    def written(self, source: str, task: str) -> set[str]:
        """Return the names of a task that a cell defines, unless the definition was given."""
        given = {bare(statement.source) for statement in self.statements(self.stub(task))}
        return {
            statement.defines
            for statement in self.answered(source).get(task, ())
            if statement.defines
            and bare(statement.source) not in given
            and YOUR_TURN not in statement.source
        }

    def part(self, source: str, task: str, alone: bool = True) -> str:
        """Return a cell without checks and, if ``alone``, without the answers to other tasks."""
        own = self.own(source)
        others = [
            statement
            for statement in own
            if alone and self.owner.get(statement.defines or "", task) != task
        ]
        if not others and not _CHECKING.search(source):
            return source
        kept = [
            statement.above + statement.source + "\n"
            for statement in own
            if statement not in others
        ]
        return "".join(kept).strip("\n")

    def added(self, name: str, source: str) -> str:
        """Return what a student added to a given cell: imports, and new definitions."""
        given = {statement.defines for statement in self._given}
        return "\n".join(
            statement.source
            for statement in self.own(source)
            if statement.imports or (statement.defines and statement.defines not in given)
        )

    def lent(self, task: str) -> set[str]:
        """Return the reference answer that later tasks show to students who are stuck."""
        folds = [
            cell.source for name, cell in self.cells.items() if name.endswith(f"-needs-{task}")
        ]
        return {
            bare(statement.source)
            for fold in folds
            for statement in self.statements(unfenced(fold))
        }

    def heading(self, source: str) -> str | None:
        """Return the task whose heading a text is, by its number and its title."""
        line = source.strip().partition("\n")[0][:200]
        numbered = _HEADING.match(line)
        if not numbered and not line.startswith("#"):
            return None
        title = (numbered[2] if numbered else line).strip("#*_ ").lower()
        scores: dict[str, float] = {}
        for k, (name, task) in enumerate(self.tasks.items(), 1):
            same = SequenceMatcher(None, title, task.title.lower()).ratio()
            here = numbered is not None and numbered[1] == str(k)
            scores[name] = 1 if here and not title else same + here / 2
        best = max(scores, key=lambda name: scores[name])
        return best if scores[best] >= 0.6 else None

    def closest(self, source: str, names: list[str], least: float = LIKE) -> str | None:
        """Return the given cell, of these, that shares most words with a text."""
        words = _words(source)
        scores = {name: _likeness(words, self._words[name]) for name in names}
        best = max(scores, key=lambda name: scores[name], default=None)
        return best if best and scores[best] >= least else None

    def keeps(self, prompt: str, source: str) -> bool:
        """Return True if a text still has most words of the prompt above it."""
        asked = _words(prompt)
        return (asked & _words(source)).total() >= LIKE * asked.total()

    def _code(self, source: str) -> str | None:
        if (same := self._whole.get(bare(source))) is not None:
            return same
        if not source.strip() or self.answered(source):
            return None
        known = [name for name in _CHECK.findall(source) if name in self.checks]
        if known:
            return known[0]
        if "exercise_set(" in source or (not self.own(source) and self.statements(source)):
            return next(iter(self._code_cells), None)
        return self.closest(source, self._code_cells)

    def _text(self, source: str) -> str | None:
        return (
            self._whole.get(bare(source))
            or self.heading(source)
            or self.closest(source, self._text_cells)
        )

    @cached_property
    def _code_cells(self) -> list[str]:
        """The ids of all code cells but the answers."""
        return [
            name
            for name, cell in self.cells.items()
            if cell.cell_type == "code" and name not in self.answers
        ]

    @cached_property
    def _text_cells(self) -> list[str]:
        words = {task.words for task in self.tasks.values()}
        return [
            name
            for name, cell in self.cells.items()
            if cell.cell_type != "code" and name not in words
        ]

    @cached_property
    def _whole(self) -> dict[str, str]:
        return {bare(cell.source): name for name, cell in self.cells.items()}

    @cached_property
    def _given(self) -> list[Statement]:
        return [
            statement
            for name in self._code_cells
            for statement in self.statements(self.cells[name].source)
        ]

    @cached_property
    def _known(self) -> set[str]:
        return {bare(statement.source) for statement in self._given}

    @cached_property
    def _words(self) -> dict[str, Counter]:
        return {name: _words(cell.source) for name, cell in self.cells.items()}


def graft(
    cells: Iterable[tuple[str, str]],
    answers: Mapping[str, Sequence[str]],
    before: Iterable[str] = (),
) -> Iterator[tuple[str, str]]:
    """Yield id and source of the exercise's code cells, with answers instead of answer cells.

    Args:
        cells: id and source of each given code cell.
        answers: the student's cells by the id of the answer cell. The first of them keeps this id;
            the others are called ``id__1``, ``id__2``, ... (see `owner`).
        before: the student's own cells that run ahead of the first answer.
    """
    before = list(before)
    for name, source in cells:
        if name not in answers:
            yield name, source
            continue
        yield from ((f"before-{k}", own) for k, own in enumerate(before))
        before = []
        yield from ((f"{name}__{k}" if k else name, own) for k, own in enumerate(answers[name]))


def owner(name: str) -> str:
    """Return the id of the answer cell that a grafted cell belongs to."""
    return name.partition("__")[0]


def _words(source: str) -> Counter:
    return Counter(re.findall(r"\w+", source)[:WORDS])


def _likeness(one: Counter, other: Counter) -> float:
    """Return difflib's quick ratio over words: 1 for the same words, 0 if they share none."""
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 0.0
