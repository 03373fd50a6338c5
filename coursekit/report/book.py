"""The class: who handed in what, and what it counts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from coursekit.files import safe_name
from coursekit.report.deadlines import Deadlines
from coursekit.report.manual import Marks
from coursekit.report.scores import SetScore, full, scored


@dataclass
class Student:
    """All that one student handed in: sets by name, and files of which no set is known."""

    name: str
    sets: dict[str, SetScore] = field(default_factory=dict)
    unknown: list[SetScore] = field(default_factory=list)

    @property
    def all(self) -> list[SetScore]:
        """Sets, then the rest."""
        return [*self.sets.values(), *self.unknown]

    @property
    def status(self) -> str:
        """graded or unreadable if all of it is, else partly."""
        found = {each.status for each in self.all}
        return found.pop() if len(found) == 1 else "partly"

    @property
    def why(self) -> str:
        """The reasons of all sets."""
        many = len(self.all) > 1
        named = [*self.sets.items(), *(("a file", each) for each in self.unknown)]
        return "; ".join(f"{name}: {s.why}" if many else s.why for name, s in named if s.why)

    @property
    def points(self) -> float:
        """Of all sets."""
        return sum(each.points for each in self.sets.values())

    @property
    def open(self) -> float:
        """Points that wait for a mark."""
        return sum(each.open for each in self.sets.values())

    @property
    def late(self) -> int | None:
        """Days, of all sets together; None if nothing is known."""
        days = [each.late for each in self.all if each.late is not None]
        return sum(days) if days else None


@dataclass
class Class:
    """The session's sets, and the students, each in the order they came."""

    sets: dict[str, dict]
    students: dict[str, Student] = field(default_factory=dict)
    pages: set[str] = field(default_factory=set)

    def of(self, exercise: str) -> float:
        """All points of a set."""
        return sum(full(task) for task in self.sets[exercise]["tasks"].values())

    @property
    def total(self) -> float:
        """All points of all sets."""
        return sum(self.of(exercise) for exercise in self.sets)

    def columns(self) -> list[tuple[str, str]]:
        """Every (set, task)."""
        return [(name, task) for name, each in self.sets.items() for task in each["tasks"]]

    def add(self, result: Mapping, marks: Marks, deadlines: Deadlines) -> SetScore:
        """Take in one result; returns what it counts.

        Raises:
            ValueError: one sentence, for a set that the session does not have, or comes twice.
        """
        name, exercise = result["student"], result["set"]
        student = self.students.setdefault(name, Student(name))
        if exercise is not None and exercise not in self.sets:
            raise ValueError(
                f"a result of {name!r} is of the set {exercise!r}, which the session "
                f"does not have; it has {', '.join(self.sets) or 'none'}"
            )
        if exercise in student.sets:
            raise ValueError(f"there are two results of {name!r} for {exercise}; keep one")
        page, late = self._page(name, exercise), deadlines.late(name, exercise, result["when"])
        fields = self.sets.get(exercise, {"tasks": {}})["tasks"]
        score = scored(result, fields, marks, late=late, page=page)
        if exercise is None:
            student.unknown.append(score)
        else:
            student.sets[exercise] = score
        return score

    def _page(self, name: str, exercise: str | None) -> str:
        """A file name that no other page has, where capitals do not count either."""
        stem = f"{safe_name(name)}--{safe_name(exercise or 'unknown')}"
        page, k = stem, 2
        while page.casefold() in self.pages:
            page, k = f"{stem}-{k}", k + 1
        self.pages.add(page.casefold())
        return page


def ordered(students: Iterable[Student]) -> list[Student]:
    """By name, capitals or not."""
    return sorted(students, key=lambda student: (student.name.casefold(), student.name))
