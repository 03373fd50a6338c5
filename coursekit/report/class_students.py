"""The students' part of the class page: whom to look at first, and the table of all."""

from urllib.parse import quote

from coursekit.report.book import Class, Student, ordered
from coursekit.report.page import listed, name, several, table
from coursekit.report.scores import SetScore
from coursekit.report.text import number, shown

_COLOUR = {"graded": "good", "partly": "warn", "unreadable": "bad"}


def look_first(book: Class) -> list[str]:
    """Who could not be graded whole, and why; whose points are withheld."""
    items = []
    for student in ordered(book.students.values()):
        who = f'<a href="{href(student.all[0])}">{name(student.name)}</a>'
        if student.status != "graded":
            items.append(f"{who}: {_status(student)}: {shown(student.why)}")
        items += [f"{who}: {each}" for each in _withheld(student)]
    return items


def _status(student: Student) -> str:
    return f'<span class="{_COLOUR[student.status]}">{student.status}</span>'


def _withheld(student: Student) -> list[str]:
    """The tasks whose points nobody has granted or refused yet."""
    return [
        f"{shown(task)} withheld: {shown(why)}"
        for score in student.sets.values()
        for task, why in score.withheld.items()
        if (granted := score.tasks[task].granted) and granted.points is None
    ]


def students(book: Class) -> str:
    many = len(book.sets) > 1
    heads = [
        "student",
        "status",
        f"total of {number(book.total)}",
        *(book.sets if many else ()),
        "waiting",
        "late days",
        "why and what else",
    ]
    rows = []
    for student in ordered(book.students.values()):
        each = [_linked(student.sets.get(exercise)) for exercise in book.sets] if many else []
        total = number(student.points)
        rows.append(
            (
                _who(student, many),
                _status(student),
                total,
                *each,
                number(student.open) if student.open else "",
                "" if student.late is None else str(student.late),
                _besides(student),
            )
        )
    return table(heads, rows, (*heads[2:3], *book.sets, "waiting", "late days"))


def _who(student: Student, many: bool) -> str:
    if many or not student.all:
        return name(student.name)
    return f'<a href="{href(student.all[0])}">{name(student.name)}</a>'


def _linked(score: SetScore | None) -> str:
    if score is None:
        return '<span class="quiet">-</span>'
    return f'<a href="{href(score)}">{number(score.points)}</a>'


def href(score: SetScore) -> str:
    return f"feedback/{quote(score.page)}.html"


def _besides(student: Student) -> str:
    items = [shown(student.why)] if student.why else []
    items += _withheld(student)
    for exercise, score in student.sets.items():
        marks = [mark for task in score.tasks.values() for mark in (task.words, task.granted)]
        flags = {mark.flag for mark in marks if mark}
        if flags - {""}:
            items.append(f"answers in {shown(exercise)} {shown('; '.join(sorted(flags - {''})))}")
        if score.notes:
            items.append(
                f'<a href="{href(score)}">{several(score.notes, "note")}</a> on reading the file'
            )
    items += [f'<a href="{href(s)}">{shown(s.path)}</a>: of no known set' for s in student.unknown]
    return listed(items) if len(items) > 1 else "".join(items)
