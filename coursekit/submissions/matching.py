"""Find the answer to each task in a student's notebook, even if cell ids and order were lost.

A cell is recognised by its id, then by its title, by the names that it defines, by its place under
a heading, and by its likeness to the stub. Checks and given helpers come from the course and are
never taken from the student.
"""

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

from coursekit.checks.record import Record
from coursekit.source.markers import YOUR_TURN, YOUR_WORDS
from coursekit.submissions.given import Given
from coursekit.submissions.reading import Cell
from coursekit.submissions.statements import bare, defined, unfenced

ABSENT = "not found"


@dataclass(frozen=True)
class FoundAnswer:
    """The answer to one task: its cells in order, how they were found, and own cells below."""

    sources: tuple[str, ...]
    how: str
    added: tuple[str, ...] = ()

    @property
    def code(self) -> list[str]:
        """All cells that run for this answer."""
        return [*self.sources, *self.added]

    def is_still(self, given: str) -> bool:
        """Return True if all its cells are as they were given, or if there are none."""
        return all(source.strip() == given.strip() for source in self.sources)


@dataclass(frozen=True)
class Match:
    """The answers and the words in a student's notebook, by task."""

    answers: dict[str, FoundAnswer]
    words: dict[str, str]
    before: tuple[str, ...]  # own code above the first task, and additions to the setup cell
    notes: tuple[str, ...]


@dataclass(eq=False)
class Place:
    """A student's cell, the given cell that it is, and the task in whose section it stands."""

    cell: Cell
    given: str | None
    how: str
    section: str | None
    taken: dict[str, str] = field(default_factory=dict)  # its answers by task: how found

    @property
    def is_own(self) -> bool:
        """True for code that the student added."""
        return self.given is None and self.cell.kind == "code" and bool(self.cell.source.strip())

    @property
    def code(self) -> str:
        """The source of a code cell; of a text cell, the code in its fences."""
        return self.cell.source if self.cell.kind == "code" else unfenced(self.cell.source)


def match(cells: Sequence[Cell], record: Record) -> Match:
    """Find the answer to each task, the words, and the student's own cells."""
    given = Given(record)
    places = _placed(cells, given)
    for task in given.tasks:
        _by_name(task, places, given)
    for task in given.tasks:
        _by_place(task, places, given)
    said = {task: text for task in given.tasks if (text := _words(task, places, given))}
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


def set_of(cells: Sequence[Cell], name: str, records: Mapping[str, Record]) -> str | None:
    """Return the set of a file, by its definitions, titles and ids, else by its file name."""
    code = [cell.source for cell in cells if cell.kind == "code"]
    names = {name for source in code for name in defined(source)}
    texts = {bare(cell.source).partition("\n")[0] for cell in cells if cell.kind != "code"}
    ids = {label for cell in cells for label in (cell.id, str(cell.metadata.get("title")))}
    scores: dict[str, float] = {}
    for candidate, record in records.items():
        tasks, given = record.tasks.values(), record.notebook
        owned = {own for task in tasks for own in task.names}
        heads = {cell.source.partition("\n")[0] for cell in given if cell.source[:1] == "#"}
        known = {cell.id for cell in given}
        called = any(f'exercise_set("{candidate}")' in source for source in code)
        shares = _share(names, owned), _share(texts, heads), _share(ids, known)
        scores[candidate] = called + sum(shares)
    best = max(scores, key=lambda candidate: scores[candidate], default=None)
    if best and scores[best] > 0.3 and list(scores.values()).count(scores[best]) == 1:
        return best
    file = re.split(r"[/\\]", name)[-1].lower()
    numbers = re.findall(r"(?<!\d)\d\d?(?!\d)", file)
    whole = [candidate for candidate in records if candidate.lower() in file]
    numbered = [candidate for candidate in records if int(candidate[:2]) in map(int, numbers)]
    return next((found[0] for found in (whole, numbered) if len(found) == 1), None)


def _share(found: Set[str | None], of: Set[str]) -> float:
    return len(found & of) / max(len(of), 1)


def _placed(cells: Sequence[Cell], given: Given) -> list[Place]:
    """Return each cell with the given cell that it is, and the task under whose heading it is."""
    places: list[Place] = []
    section: str | None = None
    for cell in cells:
        name, how = given.identify(cell)
        section = given.section[name] if name else section
        places.append(Place(cell, name, how, section))
    return places


def _by_name(task: str, places: list[Place], given: Given) -> None:
    """Take the cells that are the answer by id or title, and those that define its names.

    A cell in another section counts only for names without a definition in their own section. A
    reference answer that the exercise shows for a later task earns nothing for the earlier one.
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
                names = {
                    part.defines for part in parts if part.defines and bare(part.source) not in lent
                }
                elsewhere.append((place, names))
    for place, names in elsewhere:
        if names & missing:
            place.taken[task] = "by what it defines"


def _by_place(task: str, places: list[Place], given: Given) -> None:
    """For a task without an answer, take the cell most like the stub, first in its section."""
    answer = given.tasks[task].answer
    if any(task in place.taken for place in places):
        return
    for place in places:
        foreign = place.given is None and place.cell.kind != "code"
        if foreign and task in given.answered(place.code):
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


def _found(task: str, places: list[Place], given: Given) -> FoundAnswer:
    """Return the cells of a task: stubs first, so that later definitions override them."""
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
    return FoundAnswer((*above, *(sources[place] for place in written)), how, tuple(below))


def _notes(answers: dict[str, FoundAnswer], places: list[Place], given: Given) -> tuple[str, ...]:
    """Return notes for the instructor about answers in check cells, which were not taken."""
    notes = [
        f"The check cell {place.given} defines {part.defines}; nothing in a check counts as an "
        "answer."
        for place in places
        if place.given in given.checks
        for task, parts in given.answered(place.cell.source).items()
        for part in parts
        if not answers[task].sources
    ]
    return tuple(dict.fromkeys(notes))


def _words(task: str, places: list[Place], given: Given) -> str:
    """Return the student's own words on a task, without the prompt; empty if there are none."""
    name = given.tasks[task].words
    if name is None:
        return ""
    source = given.cells[name].source
    free = [
        place
        for place in places
        if place.given is None and place.cell.kind != "code" and not place.taken
    ]
    for some in (
        [place for place in places if place.given == name],
        [place for place in free if given.keeps(source, place.cell.source)],
        [place for place in free if place.section == task],
    ):
        said = [_unprompted(place.cell.source, source) for place in some]
        if any(said):
            return "\n\n".join(filter(None, said))
    return ""


def _unprompted(source: str, given: str) -> str:
    prompt = {line.strip() for line in given.split("\n")}
    lines = [line for line in source.split("\n") if line.strip() not in prompt or not line.strip()]
    return "\n".join(lines).replace(YOUR_WORDS, "").replace(YOUR_WORDS.strip("*"), "").strip("\n ")
