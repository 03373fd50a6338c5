"""index.html: the class at a glance, for the instructor; it names hidden checks and students."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from coursekit.files import write_whole
from coursekit.report.book import Class
from coursekit.report.class_students import href, look_first, students
from coursekit.report.deadlines import Deadlines
from coursekit.report.histogram import distribution
from coursekit.report.measures import TaskMeasure, measure
from coursekit.report.page import listed, name, page, several, table
from coursekit.report.scores import STATUSES
from coursekit.report.similarity import Pair
from coursekit.report.text import number, shown

PAIRS = 50  # similar pairs on the page; all are in similarity.csv

_FILES = ("grades.csv", "grades.json", "canvas.csv", "manual.csv", "similarity.csv", "junit.xml")


def write(
    out: Path,
    book: Class,
    session: Mapping,
    *,
    deadlines: Deadlines,
    pairs: list[Pair],
    troubles: list[str],
) -> None:
    """Write the page, from what the class's results count."""
    titles = [fields["title"] for fields in book.sets.values()]
    parts = [
        f"<h1>Grades: {shown('; '.join(titles))}</h1>",
        _summary(book),
        _section("For you to mend", [shown(trouble) for trouble in troubles]),
        _section("To look at first", look_first(book)),
        "<h2>Totals</h2>",
        distribution(book),
        "<h2>Tasks</h2>",
        _tasks(book),
        "<h2>Students</h2>",
        students(book),
        "<h2>Similar answers</h2>",
        _similar(pairs, book),
        "<h2>This session</h2>",
        _session(session, book, deadlines),
    ]
    write_whole(out / "index.html", page(f"Grades: {'; '.join(titles)}", "\n".join(parts)))


def _summary(book: Class) -> str:
    counts = Counter(student.status for student in book.students.values())
    statuses = ", ".join(f"{counts[status]} {status}" for status in STATUSES if counts[status])
    waits = sum(student.open for student in book.students.values())
    said = f"<p>{several(len(book.students), 'student')}: {statuses or 'nothing handed in'}."
    if waits:
        said += (
            f' <span class="warn">{number(waits)} points wait for your marks</span> in '
            '<a href="manual.csv">manual.csv</a>: fill in the column points, and run the same '
            "command again."
        )
    names = list(_FILES)
    names[2:2] = (
        ["moodle.csv"]
        if len(book.sets) == 1
        else [f"moodle-{exercise}.csv" for exercise in book.sets]
    )
    links = ", ".join(f'<a href="{quote(each)}">{shown(each)}</a>' for each in names)
    return f'{said}</p>\n<p class="quiet">As tables: {links}.</p>'


def _section(title: str, items: list[str]) -> str:
    return f'<h2 class="warn">{title}</h2>{listed(items)}' if items else ""


def _tasks(book: Class) -> str:
    heads = ("task", "mean", "full", "discrimination", "known mistakes", "reasons")
    return table(heads, (_task(each, book) for each in measure(book)), heads[1:4]) + (
        '<p class="quiet">Of the points by checks, over every file that could be read. Full: the '
        "share with all of them. Discrimination: correlation of a task's points with those of the "
        "set's other tasks; near 0 or below, the task tells little about who knows the matter, so "
        "look at it. “-”: undefined, as all are alike or fewer than three. In reasons, … stands "
        "for a value.</p>"
    )


def _task(each: TaskMeasure, book: Class) -> tuple[str, ...]:
    fields = book.sets[each.exercise]["tasks"][each.task]
    several_sets = f"{shown(each.exercise)}<br>" if len(book.sets) > 1 else ""
    return (
        f"{several_sets}{fields['number']}. {shown(fields['title'])} "
        f'<span class="quiet">{shown(each.task)}</span>',
        "-" if each.mean is None else f"{each.mean:.1f} of {number(each.of)}",
        "-" if each.full is None else f"{each.full:.0%}",
        "-" if each.discrimination is None else f"{each.discrimination:.2f}",
        _counted(each.mistakes),
        _counted(each.reasons),
    )


def _counted(texts: tuple[tuple[str, int], ...]) -> str:
    return listed(f"{count} × {shown(text)}" for text, count in texts)


def _similar(pairs: list[Pair], book: Class) -> str:
    if not pairs:
        return "<p>No two students have nearly the same code, short and common answers aside.</p>"
    heads = ("students", "score", "tasks")
    rows = (
        (
            f"{_compared(pair.student, pair, book)}<br>{_compared(pair.other, pair, book)}",
            f"{pair.score:.2f}",
            shown(", ".join(f"{exercise}/{task}" for exercise, task, _ in pair.tasks)),
        )
        for pair in pairs[:PAIRS]
    )
    more = len(pairs) - PAIRS
    return (
        "<p>Pairs whose code is nearly the same after names, comments and layout are taken away "
        "(1 is equal). No points were taken: read both answers, and ask, before you judge.</p>"
        + table(heads, rows, heads[1:2])
        + f'<p>{several(more, "more pair")} in <a href="similarity.csv">similarity.csv</a>.</p>'
        * (more > 0)
    )


def _compared(student: str, pair: Pair, book: Class) -> str:
    score = book.students[student].sets[pair.tasks[0][0]]
    return f'<a href="{href(score)}">{name(student)}</a>'


def _session(session: Mapping, book: Class, deadlines: Deadlines) -> str:
    sets = "<br>".join(
        f"{shown(exercise)}: {shown(fields['title'])}, {several(len(fields['tasks']), 'task')}, "
        f"{number(book.of(exercise))} points"
        for exercise, fields in book.sets.items()
    )
    versions = ", ".join(f"{shown(k)} {shown(str(v))}" for k, v in session["versions"].items())
    rows = [
        ("isolation", f"<b>{shown(session['isolation'])}</b>: {shown(session['isolation_says'])}"),
        ("seed", shown(str(session["seed"]))),
        ("started", shown(str(session["started"]))),
        ("versions", versions),
        ("sets", sets),
    ]
    due = "<br>".join(
        f"{shown(exercise)}{' for ' + name(who) if who else ''}: {time:%Y-%m-%d %H:%M} UTC"
        for (exercise, who), time in deadlines.times.items()
    )
    if due:
        rows.append(("deadlines", due))
    return table(("what", "value"), rows)
