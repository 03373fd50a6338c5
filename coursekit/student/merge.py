"""A new version of a lesson or exercise, with a student's own cells in it.

In an exercise, the answers are found as `check` and the grader find them. In a lesson, and for
notes beside the answers, a cell is a student's own if its text is none that the course gave.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from coursekit.checks.record import Record
from coursekit.source.markers import YOUR_WORDS
from coursekit.student.given import Prints, cell_print, cells_of, notebook_text
from coursekit.submissions.matching import Match, match
from coursekit.submissions.reading import Unreadable, read_notebook

JsonCell = dict[str, Any]
NOT_RUN: JsonCell = {"outputs": [], "execution_count": None}


def merged(yours: bytes, base: Prints, new: bytes, record: Record | None) -> str:
    """Return the text of the new notebook with the student's own cells.

    ``base`` tells which cells were given; ``record`` is that of an exercise, None for a lesson. Of
    a file that holds no cell at all, nothing can be brought over.
    """
    cells = cells_of(new)
    try:
        reading = read_notebook(yours, "notebook")
    except Unreadable:
        return notebook_text(list(map(_written, cells)))
    try:
        found = cells_of(yours)
    except ValueError:
        found = [_own(cell.kind, cell.source) | {"id": cell.id} for cell in reading.cells]
    given = set(base.cells.values())
    own = [k for k, cell in enumerate(found) if cell["source"].strip()]
    own = [k for k in own if cell_print(found[k]) not in given]
    if record is not None:
        cells = list(_answered(cells, match(reading.cells, record), record))
        used = "\n".join(cell["source"] for cell in cells)
        own = [k for k in own if found[k]["cell_type"] != "code"]
        own = [k for k in own if found[k]["source"].strip() not in used]
    return notebook_text(list(map(_written, _named(_placed(cells, found, own, base)))))


def _placed(
    cells: list[JsonCell], found: list[JsonCell], own: list[int], base: Prints
) -> Iterator[JsonCell]:
    """Put a student's cells behind those that they stood behind, or where they wrote over one."""
    new = {str(cell["id"]): cell for cell in cells}
    behind: dict[str, list[JsonCell]] = {"": []}
    last = ""
    for k, cell in enumerate(found):
        name = str(cell.get("id", ""))
        last = name if name in new else last
        if k not in own:
            continue
        if name in new and base.cells.get(name) == cell_print(new[name]):
            new[name]["source"] = cell["source"]  # the course left this cell as it was
            new[name] |= {key: empty for key, empty in NOT_RUN.items() if key in new[name]}
        else:
            kept = _own(cell["cell_type"], cell["source"])
            kept |= {key: cell[key] for key in ("attachments",) if key in cell}
            behind.setdefault(last, []).append(kept)
    yield from behind[""]
    for cell in cells:
        yield cell
        yield from behind.get(str(cell["id"]), ()) if cell["id"] else ()


def _answered(cells: Iterable[JsonCell], theirs: Match, record: Record) -> Iterator[JsonCell]:
    """Put the answers, the words and the cells beside them into the new exercise."""
    answers = {task.answer: name for name, task in record.tasks.items()}
    words = {task.words: name for name, task in record.tasks.items() if task.words}
    before = [_own("code", source) for source in theirs.before]
    for cell in cells:
        name = str(cell["id"])
        if name in answers:
            yield from _answer(cell, theirs, answers[name], record)
            continue
        if name in words and (said := theirs.words.get(words[name])):
            cell = cell | {"source": cell["source"].replace(YOUR_WORDS, said)}
        yield cell
        if cell["cell_type"] == "code":  # the first one, which sets all up
            yield from before
            before = []


def _answer(cell: JsonCell, theirs: Match, task: str, record: Record) -> Iterator[JsonCell]:
    """The answer cell of a task; of several cells the first that counts as the answer takes it."""
    answer = theirs.answers[task]
    written = not answer.is_still(record.given(task))
    place = answer.code.index(answer.sources[-1]) if written else 0
    yield from (_own("code", source) for source in answer.code[:place])
    yield cell | {"source": answer.sources[-1]} if written else cell
    below = answer.code[place + 1 :] if written else answer.added
    yield from (_own("code", source) for source in below)


def _own(kind: str, source: str) -> JsonCell:
    return {"cell_type": kind, "id": "", "metadata": {}, "source": source}


def _named(cells: Iterable[JsonCell]) -> Iterator[JsonCell]:
    """Give each own cell an id of its own."""
    kept = list(cells)
    taken, count = {cell["id"] for cell in kept}, 0
    for cell in kept:
        while not cell["id"]:
            count += 1
            name = f"yours-{count}"
            cell = cell if name in taken else cell | {"id": name}
        yield cell


def _written(cell: JsonCell) -> JsonCell:
    """Return a cell as it stands in a file."""
    cell = cell | {"source": cell["source"].splitlines(keepends=True)}
    return NOT_RUN | cell if cell["cell_type"] == "code" else cell
