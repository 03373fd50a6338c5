"""The gradebook as tables: grades.csv, and the files that Moodle and Canvas import.

Moodle's "offline grading worksheet" of an assignment wants the columns Identifier, Grade and "Last
modified (grade)", and takes "Feedback comments"; it is of one assignment, so that several sets
make several files. Its times are left empty: tick "Allow updating records that have been modified
more recently" where grades were given before. Canvas' gradebook import wants Student, ID, SIS User
ID, SIS Login ID and Section, a second row with the points possible, and a column an assignment; an
empty cell changes nothing there.
"""

from pathlib import Path

from coursekit.report import tables
from coursekit.report.scores import ClassScores, SetScore, StudentScores
from coursekit.report.text import as_points, visible

_MOODLE = (
    "Identifier",
    "Full name",
    "Grade",
    "Maximum Grade",
    "Last modified (grade)",
    "Feedback comments",
)
_CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")


def write(out: Path, scores: ClassScores) -> None:
    """Write grades.csv, moodle.csv (or moodle-SET.csv for each of several sets) and canvas.csv."""
    students = scores.ordered()
    tasks = [f"{name}/{task}" for name, task in scores.columns]
    columns = ("student", "status", "why", "total", "of", "late_days", *tasks)
    tables.write(out / "grades.csv", columns, [_row(student, scores) for student in students])
    for name, file in moodle_files(scores).items():
        tables.write(out / file, _MOODLE, _moodle(students, name, scores))
    tables.write(out / "canvas.csv", (*_CANVAS, *scores.sets), _canvas(students, scores))


def moodle_files(scores: ClassScores) -> dict[str, str]:
    """Return the name of Moodle's worksheet for each set."""
    many = len(scores.sets) > 1
    return {name: f"moodle-{name}.csv" if many else "moodle.csv" for name in scores.sets}


def _row(student: StudentScores, scores: ClassScores) -> dict[str, object]:
    row: dict[str, object] = {
        "student": visible(student.name),
        "status": student.status,
        "why": visible(student.why),
        "total": _cell(student.points),
        "of": _cell(scores.of),
        "late_days": "" if student.late is None else student.late,
    }
    for name, score in student.sets.items():
        row |= {f"{name}/{task}": _cell(counts.points) for task, counts in score.tasks.items()}
    return row


def _moodle(
    students: list[StudentScores], name: str, scores: ClassScores
) -> list[dict[str, object]]:
    return [
        {
            "Identifier": f"Participant {score.ids['moodle']}" if "moodle" in score.ids else "",
            "Full name": visible(student.name),
            "Grade": _cell(score.points),
            "Maximum Grade": _cell(scores.sets[name].of),
            "Feedback comments": _comment(score, scores.sets[name].of),
        }
        for student in students
        if (score := student.sets.get(name))
    ]


def _canvas(students: list[StudentScores], scores: ClassScores) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = [
        {"Student": "    Points Possible"}
        | {name: _cell(scores.sets[name].of) for name in scores.sets}
    ]
    for student in students:
        ids = [score.ids["canvas"] for score in student.all if "canvas" in score.ids]
        row: dict[str, object] = {"Student": visible(student.name), "ID": ids[0] if ids else ""}
        rows.append(row | {name: _cell(score.points) for name, score in student.sets.items()})
    return rows


def _comment(score: SetScore, of: float) -> str:
    """Return one line for the student: points, points that wait, late days, and why unreadable."""
    parts = [f"{as_points(score.points)} of {as_points(of)}"]
    if score.open:
        parts.append(f"{as_points(score.open)} more wait for the instructor's marks")
    if score.late:
        parts.append(f"{score.late} {'day' if score.late == 1 else 'days'} late")
    if score.status == "unreadable":
        parts.append(f"unreadable: {visible(score.why)}")
    return "; ".join(parts)


def _cell(points: float) -> int | float:
    return int(points) if points == int(points) else round(points, 2)
