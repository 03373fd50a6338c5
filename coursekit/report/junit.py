"""junit.xml: a testsuite a student, a testcase a task, for what shows test reports."""

from pathlib import Path

from coursekit.files import whole
from coursekit.report.book import Class, Student, ordered
from coursekit.report.scores import SetScore, TaskScore
from coursekit.report.text import number, shown


def write(out: Path, book: Class) -> None:
    """A task with less than its points fails with the reason; what is unreadable is an error."""
    with whole(out / "junit.xml") as file:
        file.write('<?xml version="1.0" encoding="utf-8"?>\n<testsuites name="grades">\n')
        for student in ordered(book.students.values()):
            file.write(_suite(student))
        file.write("</testsuites>\n")


def _suite(student: Student) -> str:
    cases = [line for name, score in student.sets.items() for line in _cases(name, score)]
    cases += [_case("unknown", "reading", _told("error", s.why)) for s in student.unknown]
    failed, errors = (sum(f"<{tag} " in case for case in cases) for tag in ("failure", "error"))
    return (
        f'<testsuite name="{shown(student.name)}" tests="{len(cases)}" failures="{failed}" '
        f'errors="{errors}">\n{"".join(cases)}</testsuite>\n'
    )


def _cases(exercise: str, score: SetScore) -> list[str]:
    if score.status == "unreadable":
        return [_case(exercise, task, _told("error", score.why)) for task in score.tasks]
    return [
        _case(exercise, name, _verdict(name, score, each)) for name, each in score.tasks.items()
    ]


def _case(exercise: str, name: str, verdict: str) -> str:
    return f'<testcase classname="{shown(exercise)}" name="{shown(name)}">{verdict}</testcase>\n'


def _verdict(name: str, score: SetScore, task: TaskScore) -> str:
    if task.points >= task.of:
        return ""
    told = [score.reasons.get(name, ""), score.mistakes.get(name, "")]
    if task.open:
        told.append(f"{number(task.open)} points wait for the instructor's marks")
        told.append(score.withheld.get(name, ""))
    points = f"{number(task.points)} of {number(task.of)}"
    return _told("failure", "; ".join([points, *(text for text in told if text)]))


def _told(tag: str, why: str) -> str:
    return f'<{tag} message="{shown(why)}"/>'
