"""Which cell of a student's notebook answers which task, however ids and order were lost.

By task id, then title, then by what a cell defines, its place under a heading and its likeness to
the stub. Checks and given helpers come from the course and are never taken from the student.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from coursekit.checks.record import Record
from coursekit.source.markers import YOUR_TURN
from coursekit.submissions.given import Given
from coursekit.submissions.places import Place, placed, words
from coursekit.submissions.reading import Cell
from coursekit.submissions.statements import bare, defined

ABSENT = "not found"


@dataclass(frozen=True)
class Found:
    """The answer to one task: its cells in order, how they were found, and own cells after them."""

    sources: tuple[str, ...]
    how: str
    added: tuple[str, ...] = ()

    @property
    def code(self) -> list[str]:
        """All that is run for it."""
        return [*self.sources, *self.added]

    def is_still(self, given: str) -> bool:
        """Whether its cells are missing, or as they were given."""
        return all(source.strip() == given.strip() for source in self.sources)


@dataclass(frozen=True)
class Match:
    """What a student's notebook has for each task of its set."""

    answers: dict[str, Found]
    words: dict[str, str]
    before: tuple[str, ...]  # own code above the first task, and what was added to the setup
    notes: tuple[str, ...]


def match(cells: Sequence[Cell], record: Record) -> Match:
    """Find the answer to each task, the words, and the student's own cells."""
    given = Given(record)
    places = placed(cells, given)
    for task in given.tasks:
        _by_name(task, places, given)
    for task in given.tasks:
        _by_place(task, places, given)
    said = {task: text for task in given.tasks if (text := words(task, places, given))}
    answers = {task: _found(task, places, given) for task in given.tasks}
    before = [
        given.added(place.given, place.cell.source)
        for place in places
        if place.given in given.cells
        and place.cell.kind == "code"
        and place.given not in given.checks
        and place.given not in given.answers
    ]
    before += [
        place.cell.source
        for place in places
        if place.is_own and not place.taken and place.section is None
    ]
    return Match(answers, said, tuple(filter(None, before)), _notes(answers, places, given))


def recognise(cells: Sequence[Cell], name: str, records: Mapping[str, Record]) -> str | None:
    """The set that a file is of: by what it defines, its titles and ids, else by its file name."""
    code = [cell.source for cell in cells if cell.kind == "code"]
    names = {each for source in code for each in defined(source)}
    texts = {bare(cell.source).partition("\n")[0] for cell in cells if cell.kind != "code"}
    ids = {each for cell in cells for each in (cell.id, str(cell.metadata.get("title")))}
    scores = {}
    for each, record in records.items():
        tasks, given = record.tasks.values(), record.notebook
        owned = {own for task in tasks for own in task.names}
        heads = {cell.source.partition("\n")[0] for cell in given if cell.source[:1] == "#"}
        known = {cell.id for cell in given}
        called = any(f'exercise_set("{each}")' in source for source in code)
        pairs = (names, owned), (texts, heads), (ids, known)
        scores[each] = called + sum(len(a & b) / max(len(b), 1) for a, b in pairs)
    best = max(scores, key=scores.get, default=None)
    if best and scores[best] > 0.3 and list(scores.values()).count(scores[best]) == 1:
        return best
    file = re.split(r"[/\\]", name)[-1].lower()
    numbers = re.findall(r"(?<!\d)\d\d?(?!\d)", file)
    whole = [each for each in records if each.lower() in file]
    numbered = [each for each in records if int(each[:2]) in map(int, numbers)]
    return next((found[0] for found in (whole, numbered) if len(found) == 1), None)


def _by_name(task: str, places: list[Place], given: Given) -> None:
    """Take the cells that are the answer by id or title, and those that define its names.

    A cell in another section counts for names only that have no definition in their own; what the
    exercise lends to a later task earns nothing for an earlier one.
    """
    answer, lent = given.tasks[task].answer, given.lent(task)
    missing = set(given.tasks[task].names)
    elsewhere: list[tuple[Place, set[str]]] = []
    for place in places:
        source = place.code
        if place.given == answer:
            place.taken[task] = place.how
            missing -= given.written(source, task)
        elif place.cell.kind == "code" and (place.is_own or place.given in given.answers):
            parts = given.answered(source).get(task, [])
            if parts and place.section == task and place.is_own:
                place.taken[task] = "by what it defines"
                missing -= given.written(source, task)
            else:
                names = {part.defines for part in parts if bare(part.source) not in lent}
                elsewhere.append((place, names))
    for place, names in elsewhere:
        if names & missing:
            place.taken[task] = "by what it defines"


def _by_place(task: str, places: list[Place], given: Given) -> None:
    """For an answer not found: the cell most like the stub in its section, then anywhere."""
    answer = given.tasks[task].answer
    if any(task in place.taken for place in places):
        return
    for place in places:
        if place.given is None and place.cell.kind != "code":
            if task in given.answered(place.code):
                place.taken[task] = "by what it defines"
                return
    free = [place for place in places if place.is_own and not place.taken]
    here = [place for place in free if place.section == task]
    for some, least, how in (
        (here, 0.3, "by its place under the heading, and likeness to the stub"),
        (free, 0.6, "by likeness to the stub"),
        (here, 0.0, "by its place under the heading"),
    ):
        for place in some:
            if least == 0 or given.closest(place.cell.source, [answer], least):
                place.taken[task] = how
                return


def _found(task: str, places: list[Place], given: Given) -> Found:
    """The cells of a task in their order, those still unwritten first: a later one counts."""
    taken = [place for place in places if task in place.taken]
    answer = given.tasks[task].answer
    sources = {place: given.part(place.code, task, place.given != answer) for place in taken}
    stub = bare(given.stub(task))
    written = [place for place in taken if bare(sources[place]) != stub] or taken[:1]
    written.sort(key=lambda place: YOUR_TURN not in sources[place])
    own = [place for place in places if place.is_own and not place.taken and place.section == task]
    first = places.index(written[0]) if written else 0
    above = [place.cell.source for place in own if written and places.index(place) < first]
    below = [place.cell.source for place in own][len(above) :]
    hows = list(dict.fromkeys(place.taken[task] for place in written))
    how = ", and ".join(hows) or ABSENT
    if len(written) > 1:
        how += f", in {len(written)} cells"
    if any(place.cell.kind != "code" for place in written):
        how += ", in a cell that was not code"
    return Found((*above, *(sources[place] for place in written)), how, tuple(below))


def _notes(answers: dict[str, Found], places: list[Place], given: Given) -> tuple[str, ...]:
    """What the instructor should know of cells that were not taken."""
    notes = []
    for place in places:
        if place.given in given.checks:
            lost = [
                name
                for each in given.answered(place.cell.source).values()
                for name in each
                if not answers[given.owner[name.defines]].sources
            ]
            notes += [
                f"The check cell {place.given} defines {each.defines}; nothing in a check "
                "counts as an answer."
                for each in lost
            ]
    return tuple(dict.fromkeys(notes))
