"""index.html: the class at a glance, for the instructor; it names hidden checks and students."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from coursekit.files import write_whole
from coursekit.report.deadlines import Deadlines
from coursekit.report.gradebook import moodle_files
from coursekit.report.measures import distribution, measure
from coursekit.report.model import STATUSES, Session
from coursekit.report.pages import render
from coursekit.report.scores import ClassScores, SetScore, StudentScores
from coursekit.report.similarity import Pair
from coursekit.report.text import several

PAIRS = 50  # similar pairs on the page; all are in similarity.csv


@dataclass(frozen=True)
class Remark:
    """One remark on a student: a text, and the feedback that it links to, if any."""

    text: str
    link: SetScore | None = None
    more: str = ""  # stands behind the link


@dataclass(frozen=True)
class Row:
    """One student's row in the table: the scores, and the remarks in its last column."""

    student: StudentScores
    withheld: tuple[str, ...]
    remarks: tuple[Remark, ...]


def write(
    out: Path,
    scores: ClassScores,
    session: Session,
    *,
    deadlines: Deadlines,
    pairs: list[Pair],
    troubles: list[str],
) -> None:
    """Write the page."""
    page = render(
        "class.html.j2",
        scores=scores,
        session=session,
        statuses=_statuses(scores),
        files=_files(scores),
        troubles=troubles,
        totals=distribution(scores),
        tasks=measure(scores),
        rows=[_row(student) for student in scores.ordered()],
        pairs=pairs[:PAIRS],
        more_pairs=len(pairs[PAIRS:]),
        deadlines=deadlines.times,
    )
    write_whole(out / "index.html", page)


def _statuses(scores: ClassScores) -> str:
    counts = Counter(student.status for student in scores.students.values())
    return ", ".join(f"{counts[status]} {status}" for status in STATUSES if counts[status])


def _files(scores: ClassScores) -> list[str]:
    moodle = moodle_files(scores).values()
    return [
        "grades.csv",
        "grades.json",
        *moodle,
        "canvas.csv",
        "manual.csv",
        "similarity.csv",
        "junit.xml",
    ]


def _row(student: StudentScores) -> Row:
    withheld = tuple(_withheld(student))
    return Row(student, withheld, tuple(_remarks(student, withheld)))


def _withheld(student: StudentScores) -> Iterator[str]:
    """Yield the tasks whose points the instructor has neither granted nor refused yet."""
    for score in student.sets.values():
        for task, why in score.withheld.items():
            granted = score.tasks[task].granted
            if granted and granted.points is None:
                yield f"{task} withheld: {why}"


def _remarks(student: StudentScores, withheld: tuple[str, ...]) -> Iterator[Remark]:
    if student.why:
        yield Remark(student.why)
    yield from map(Remark, withheld)
    for name, score in student.sets.items():
        marks = [mark for task in score.tasks.values() for mark in (task.words, task.granted)]
        flags = sorted({mark.flag for mark in marks if mark} - {""})
        if flags:
            yield Remark(f"answers in {name} {'; '.join(flags)}")
        if score.notes:
            yield Remark(several(score.notes, "note"), score, " on reading the file")
    for score in student.unknown:
        yield Remark(score.path, score, ": of no known set")
