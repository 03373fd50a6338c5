"""What the instructor and the students read: all made from the result and session dictionaries.

`write` leaves in a folder grades.csv, grades.json, moodle.csv, canvas.csv, junit.xml, manual.csv,
similarity.csv, index.html and feedback/; the same results make the same bytes again. `moved` tells
what a regrade changed.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from coursekit.files import whole
from coursekit.report import class_page, feedback, gradebook, junit, similarity
from coursekit.report.book import Class
from coursekit.report.deadlines import read as read_deadlines
from coursekit.report.manual import read as read_marks
from coursekit.report.regrade_diff import moved
from coursekit.report.scores import as_json

__all__ = ["moved", "write"]


def write(
    out: Path,
    results: Iterable[Mapping],
    session: Mapping,
    *,
    deadlines: Path | None = None,
    manual: Path | None = None,
) -> list[str]:
    """Write every report; results are read one by one, and none is kept.

    Args:
        out: the folder; it is made if it is not there.
        results: one dictionary a student and set, in an order that is always the same.
        session: the session's dictionary. A task's ``given`` there, if any, is the stub as it was
            handed out, which is then no evidence of similarity.
        deadlines: a CSV, see `coursekit.report.deadlines`; without it no late days.
        manual: the marks, read and then written anew; by default ``out / "manual.csv"``.

    Returns:
        What the instructor should mend, a sentence each, such as a mark that is no number.

    Raises:
        ValueError: one sentence, before anything is written, for deadlines or marks that are no
            table; later, for results that the session does not explain.
        OSError: one sentence, if a file cannot be read or written.
    """
    sets = session["sets"]
    due, marks = read_deadlines(deadlines, sets), read_marks(manual or out / "manual.csv")
    book, answers = Class(sets), similarity.Answers()
    with whole(out / "grades.json") as file:
        opening = {"session": session, "of": book.total}
        file.write(json.dumps(opening).removesuffix("}") + ',\n"results": [')
        comma = "\n"
        for result in results:
            score = book.add(result, marks, due)
            file.write(comma + json.dumps(as_json(score, result)))
            comma = ",\n"
            fields = sets.get(result["set"], {})
            feedback.write(out, result, score, fields)
            for task, told in result["tasks"].items():
                given = fields.get("tasks", {}).get(task, {}).get("given", "")
                answers.add(result["student"], result["set"], task, told["answer"], given)
        file.write("\n]}\n")
    feedback.clear(out, book.pages)
    marks.write()
    gradebook.write(out, book)
    junit.write(out, book)
    pairs = answers.pairs()
    similarity.write(out, pairs)
    troubles = [*due.troubles, *due.strangers(set(book.students)), *marks.troubles, *marks.gone()]
    class_page.write(out, book, session, deadlines=due, pairs=pairs, troubles=troubles)
    return troubles
