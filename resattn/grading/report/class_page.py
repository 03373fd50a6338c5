"""index.html: the class at a glance, for the instructor; it names hidden checks and students."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from resattn.files import write_whole
from resattn.grading.report.deadlines import Deadlines
from resattn.grading.report.measures import TaskMeasure, measure
from resattn.grading.report.page import listed, name, page, several, table
from resattn.grading.report.scored import STATUSES, Class, SetScore, Student, ordered
from resattn.grading.report.similarity import Pair
from resattn.grading.report.text import number, shown

BINS = 10

_COLOUR = {"graded": "good", "partly": "warn", "unreadable": "bad"}
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
        _troubles(troubles),
        "<h2>Totals</h2>",
        _distribution(book),
        "<h2>Tasks</h2>",
        _tasks(book),
        "<h2>Students</h2>",
        _students(book),
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


def _troubles(troubles: list[str]) -> str:
    if not troubles:
        return ""
    return '<h2 class="warn">For you to mend</h2>' + listed(shown(trouble) for trouble in troubles)


def _distribution(book: Class) -> str:
    """A histogram of the totals of those of whom anything could be read."""
    readable = [s for s in book.students.values() if s.status != "unreadable"]
    if not readable or not book.total:
        return "<p>Nothing could be read.</p>"
    counts = [0] * BINS
    for student in readable:
        counts[min(BINS - 1, int(BINS * student.points / book.total))] += 1
    points = sorted(student.points for student in readable)
    half = len(points) // 2
    median = (points[half] + points[-half - 1]) / 2
    mean = sum(points) / len(points)
    left = len(book.students) - len(readable)
    said = (
        f"Mean {number(mean)}, median {number(median)}, lowest {number(points[0])}, highest "
        f"{number(points[-1])}, of {number(book.total)}."
    )
    if left:
        said += f" {several(left, 'student')} without a readable file not counted."
    return f"<p>{said}</p>\n{_histogram(counts, book.total)}"


def _histogram(counts: list[int], total: float) -> str:
    width, height, low = 64, 180, 200
    tallest = max(counts)
    bars = []
    for k, count in enumerate(counts):
        x, h = 10 + k * width, height * count / tallest
        label = f"{number(k * total / BINS)}–{number((k + 1) * total / BINS)}"
        bars.append(
            f'<rect x="{x + 4}" y="{low - h:.1f}" width="{width - 8}" height="{h:.1f}"/>'
            f'<text x="{x + width / 2}" y="{low - h - 5:.1f}" font-size="15" '
            f'text-anchor="middle">{count or ""}</text>'
            f'<text x="{x + width / 2}" y="{low + 20}" font-size="15" '
            f'text-anchor="middle">{label}</text>'
        )
    told = "; ".join(
        f"{number(k * total / BINS)} to {number((k + 1) * total / BINS)}: {count}"
        for k, count in enumerate(counts)
        if count
    )
    return (
        f'<svg viewBox="0 0 660 250" role="img" aria-label="Students by total. {told}">'
        f'<line x1="10" x2="650" y1="{low}" y2="{low}"/>{"".join(bars)}'
        f'<text x="330" y="244" font-size="15" text-anchor="middle">points of {number(total)}; '
        "above each bar: students</text></svg>"
    )


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


def _students(book: Class) -> str:
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
                f'<span class="{_COLOUR[student.status]}">{student.status}</span>',
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
    return f'<a href="{_href(student.all[0])}">{name(student.name)}</a>'


def _linked(score: SetScore | None) -> str:
    if score is None:
        return '<span class="quiet">-</span>'
    return f'<a href="{_href(score)}">{number(score.points)}</a>'


def _href(score: SetScore) -> str:
    return f"feedback/{quote(score.page)}.html"


def _besides(student: Student) -> str:
    items = [shown(student.why)] if student.why else []
    for exercise, score in student.sets.items():
        items += [
            f"{shown(task)} withheld: {shown(why)}"
            for task, why in score.withheld.items()
            if score.tasks[task].granted and score.tasks[task].granted.points is None
        ]
        flags = {task.words.flag for task in score.tasks.values() if task.words}
        if flags - {""}:
            items.append(f"words of {shown(exercise)} {shown('; '.join(sorted(flags - {''})))}")
        if score.notes:
            items.append(
                f'<a href="{_href(score)}">{several(score.notes, "note")}</a> on reading the file'
            )
    items += [f'<a href="{_href(s)}">{shown(s.path)}</a>: of no known set' for s in student.unknown]
    return listed(items) if len(items) > 1 else "".join(items)


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
        for pair in pairs
    )
    return (
        "<p>Pairs whose code is nearly the same after names, comments and layout are taken away "
        "(1 is equal). No points were taken: read both answers, and ask, before you judge.</p>"
        + table(heads, rows, heads[1:2])
    )


def _compared(student: str, pair: Pair, book: Class) -> str:
    score = book.students[student].sets[pair.tasks[0][0]]
    return f'<a href="{_href(score)}">{name(student)}</a>'


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
