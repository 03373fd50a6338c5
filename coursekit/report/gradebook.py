"""The gradebook as tables: grades.csv, and what Moodle and Canvas import.

Moodle's "offline grading worksheet" of an assignment wants the columns Identifier, Grade and "Last
modified (grade)", and takes "Feedback comments"; it is of one assignment, so that several sets
make several files. Its times are left empty: tick "Allow updating records that have been modified
more recently" where grades were given before. Canvas' gradebook import wants Student, ID, SIS User
ID, SIS Login ID and Section, a second row with the points possible, and a column an assignment; an
empty cell changes nothing there.
"""

from pathlib import Path

from coursekit.report import tables
from coursekit.report.book import Class, Student, ordered
from coursekit.report.scores import SetScore
from coursekit.report.text import number, visible

_MOODLE = (
    "Identifier",
    "Full name",
    "Grade",
    "Maximum Grade",
    "Last modified (grade)",
    "Feedback comments",
)
_CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")


def write(out: Path, book: Class) -> None:
    """Write grades.csv, moodle.csv (or moodle-SET.csv for each of several sets) and canvas.csv."""
    students = ordered(book.students.values())
    tasks = [f"{exercise}/{task}" for exercise, task in book.columns()]
    columns = ("student", "status", "why", "total", "of", "late_days", *tasks)
    tables.write(out / "grades.csv", columns, [_row(student, book) for student in students])
    for exercise in book.sets:
        name = "moodle.csv" if len(book.sets) == 1 else f"moodle-{exercise}.csv"
        tables.write(out / name, _MOODLE, _moodle(students, exercise, book))
    tables.write(out / "canvas.csv", (*_CANVAS, *book.sets), _canvas(students, book))


def _row(student: Student, book: Class) -> dict[str, object]:
    row: dict[str, object] = {
        "student": visible(student.name),
        "status": student.status,
        "why": visible(student.why),
        "total": _cell(student.points),
        "of": _cell(book.total),
        "late_days": "" if student.late is None else student.late,
    }
    for exercise, score in student.sets.items():
        row |= {f"{exercise}/{task}": _cell(each.points) for task, each in score.tasks.items()}
    return row


def _moodle(students: list[Student], exercise: str, book: Class) -> list[dict[str, object]]:
    return [
        {
            "Identifier": f"Participant {score.ids['moodle']}" if "moodle" in score.ids else "",
            "Full name": visible(student.name),
            "Grade": _cell(score.points),
            "Maximum Grade": _cell(book.of(exercise)),
            "Feedback comments": said(score, book.of(exercise)),
        }
        for student in students
        if (score := student.sets.get(exercise))
    ]


def _canvas(students: list[Student], book: Class) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = [
        {"Student": "    Points Possible"} | {name: _cell(book.of(name)) for name in book.sets}
    ]
    for student in students:
        ids = [score.ids["canvas"] for score in student.all if "canvas" in score.ids]
        points = {name: _cell(score.points) for name, score in student.sets.items()}
        rows.append({"Student": visible(student.name), "ID": ids[0] if ids else ""} | points)
    return rows


def said(score: SetScore, of: float) -> str:
    """One line for the student: points, what waits, days late, and what could not be read."""
    parts = [f"{number(score.points)} of {number(of)}"]
    if score.open:
        parts.append(f"{number(score.open)} more wait for the instructor's marks")
    if score.late:
        parts.append(f"{score.late} {'day' if score.late == 1 else 'days'} late")
    if score.status == "unreadable":
        parts.append(f"unreadable: {visible(score.why)}")
    return "; ".join(parts)


def _cell(points: float) -> int | float:
    return int(points) if points == int(points) else round(points, 2)
