"""An exercise as it was given, prepared for looking up the cells of a student's notebook in it."""

import re
from collections import Counter
from difflib import SequenceMatcher
from functools import cache, cached_property

from coursekit.checks.record import Record
from coursekit.source.markers import YOUR_TURN
from coursekit.submissions.reading import Cell
from coursekit.submissions.statements import Statement, bare, statements, unfenced

LIKE = 0.8  # from here on a text is taken for an altered copy of another
WORDS = 400  # of each text, that are compared

_HEADING = re.compile(
    r"\W*(?:task|exercise|question)\s*(\d+)\s*[:.)\u2013-]*\s*(.*)", re.IGNORECASE
)
_CHECK = re.compile(r"""\bCheck\(\s*["']([\w-]+)["']""")
_CHECKING = re.compile(r"\b(?:Check|exercise_set)\(|\bcheck(?:\.\w+)?\(")


class Given:
    """The cells of a record by id, what each is for, and how alike a student's cell is."""

    def __init__(self, record: Record) -> None:
        self.tasks = record.tasks
        self.cells = {cell.id: cell for cell in record.notebook}
        self.answers = {task.answer: name for name, task in self.tasks.items()}
        self.checks = {cell for task in self.tasks.values() for cell in task.cells}
        self.owner = {each: name for name, task in self.tasks.items() for each in task.names}
        self.section: dict[str, str | None] = {}
        self.statements = cache(statements)  # as long as this notebook is matched
        self.answered = cache(self._answered)
        now = None
        for name in self.cells:
            now = name if name in self.tasks else now
            self.section[name] = now

    def stub(self, task: str) -> str:
        """What the answer cell of a task had."""
        return self.cells[self.tasks[task].answer].source

    def identify(self, cell: Cell) -> tuple[str | None, str]:
        """The id of the given cell that this is, and how that was seen; (None, "") if of none."""
        if cell.id in self.cells:
            return cell.id, "by its cell id"
        title = cell.metadata.get("title")
        if isinstance(title, str) and title in self.cells:
            return title, "by its title"
        name = self._code(cell.source) if cell.kind == "code" else self._text(cell.source)
        return name, "by likeness" if name else ""

    def own(self, source: str) -> list[Statement]:
        """The statements of a cell that are neither given nor do any checking."""
        return [
            each
            for each in self.statements(source)
            if bare(each.source) not in self._known and not _CHECKING.search(each.source)
        ]

    def _answered(self, source: str) -> dict[str, list[Statement]]:
        """The tasks that a cell has definitions for, with these."""
        found: dict[str, list[Statement]] = {}
        for each in self.own(source):
            if each.defines in self.owner:
                found.setdefault(self.owner[each.defines], []).append(each)
        return found

    def written(self, source: str, task: str) -> set[str]:
        """The names of a task that a cell defines, and not as they were given."""
        given = {bare(each.source) for each in self.statements(self.stub(task))}
        return {
            each.defines
            for each in self.answered(source).get(task, ())
            if bare(each.source) not in given and YOUR_TURN not in each.source
        }

    def part(self, source: str, task: str, alone: bool = True) -> str:
        """A cell without checks, and if alone, without other tasks' answers; as it is if it can."""
        own = self.own(source)
        others = [each for each in own if alone and self.owner.get(each.defines, task) != task]
        if not others and not _CHECKING.search(source):
            return source
        kept = [each.above + each.source + "\n" for each in own if each not in others]
        return "".join(kept).strip("\n")

    def added(self, name: str, source: str) -> str:
        """What a student added to a given cell: imports, and definitions that no given cell has."""
        given = {each.defines for each in self._given}
        return "\n".join(
            each.source
            for each in self.own(source)
            if each.imports or (each.defines and each.defines not in given)
        )

    def lent(self, task: str) -> set[str]:
        """The reference for a task that the exercise itself offers to those who are stuck."""
        folds = [
            cell.source for name, cell in self.cells.items() if name.endswith(f"-needs-{task}")
        ]
        return {bare(each.source) for fold in folds for each in self.statements(unfenced(fold))}

    def heading(self, source: str) -> str | None:
        """The task whose heading a text is, by its number and its title."""
        line = source.strip().partition("\n")[0][:200]
        numbered = _HEADING.match(line)
        if not numbered and not line.startswith("#"):
            return None
        title = (numbered[2] if numbered else line).strip("#*_ ").lower()
        scores = {}
        for k, (name, task) in enumerate(self.tasks.items(), 1):
            same = SequenceMatcher(None, title, task.title.lower()).ratio()
            here = bool(numbered) and numbered[1] == str(k)
            scores[name] = 1 if here and not title else same + here / 2
        best = max(scores, key=scores.get)
        return best if scores[best] >= 0.6 else None

    def closest(self, source: str, names: list[str], least: float = LIKE) -> str | None:
        """The given cell, of these, whose words are most like those of a text."""
        words = _words(source)
        scores = {name: _likeness(words, self._words[name]) for name in names}
        best = max(scores, key=scores.get, default=None)
        return best if best and scores[best] >= least else None

    def keeps(self, prompt: str, source: str) -> bool:
        """Whether a text still has most words of the prompt that it was given under."""
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
        """All code but the answers."""
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
            each for name in self._code_cells for each in self.statements(self.cells[name].source)
        ]

    @cached_property
    def _known(self) -> set[str]:
        return {bare(each.source) for each in self._given}

    @cached_property
    def _words(self) -> dict[str, Counter]:
        return {name: _words(cell.source) for name, cell in self.cells.items()}


def _words(source: str) -> Counter:
    return Counter(re.findall(r"\w+", source)[:WORDS])


def _likeness(one: Counter, other: Counter) -> float:
    """difflib's quick ratio, over words: 1 for the same words, 0 if they share none."""
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 0.0
