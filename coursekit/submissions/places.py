"""The cells of a student's notebook in their places, and the words that stand there."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from coursekit.source.markers import YOUR_WORDS
from coursekit.submissions.given import Given
from coursekit.submissions.reading import Cell
from coursekit.submissions.statements import unfenced


@dataclass(eq=False)
class Place:
    """A cell, the given cell that it is, and the task in whose section it stands."""

    cell: Cell
    given: str | None
    how: str
    section: str | None
    taken: dict[str, str] = field(default_factory=dict)  # its answers by task: how found

    @property
    def is_own(self) -> bool:
        """Whether it is code of the student's own."""
        return self.given is None and self.cell.kind == "code" and bool(self.cell.source.strip())

    @property
    def code(self) -> str:
        """Its source; of a text, what is in its fences."""
        return self.cell.source if self.cell.kind == "code" else unfenced(self.cell.source)


def placed(cells: Sequence[Cell], given: Given) -> list[Place]:
    """Each cell with the given one that it is, and the task under whose heading it stands."""
    places, section = [], None
    for cell in cells:
        name, how = given.identify(cell)
        section = given.section[name] if name else section
        places.append(Place(cell, name, how, section))
    return places


def words(task: str, places: list[Place], given: Given) -> str:
    """The student's own words on a task, without what was given; empty if there are none."""
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
