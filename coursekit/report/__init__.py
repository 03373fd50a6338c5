"""Reports for the instructor and the students, all made from results and their session.

`write` leaves in a folder grades.csv, grades.json, moodle.csv, canvas.csv, junit.xml, manual.csv,
similarity.csv, index.html and feedback/. Equal results make equal bytes.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from coursekit.files import whole
from coursekit.report import class_page, feedback, gradebook, junit, similarity
from coursekit.report.deadlines import read_deadlines
from coursekit.report.manual import read_marks
from coursekit.report.model import FORMAT, Session, SubmissionResult, session_as_json
from coursekit.report.scores import ClassScores

__all__ = ["write"]


def write(
    out: Path,
    results: Iterable[SubmissionResult],
    session: Session,
    *,
    deadlines: Path | None = None,
    manual: Path | None = None,
) -> list[str]:
    """Write every report; results are read one by one, and none is kept.

    Args:
        out: the folder; it is made if it is not there.
        results: one per student and set, always in the same order.
        session: the session that they are of.
        deadlines: a CSV, see `coursekit.report.deadlines`; without it no late days.
        manual: the marks, read and then written anew; by default ``out / "manual.csv"``.

    Returns:
        One sentence per fault that the instructor should mend, such as a mark that is no number.

    Raises:
        ValueError: one sentence, before anything is written, for deadlines or marks that are no
            table; later, for results that the session does not explain.
        OSError: one sentence, if a file cannot be read or written.
    """
    due, marks = read_deadlines(deadlines, session.sets), read_marks(manual or out / "manual.csv")
    scores, answers = ClassScores(session.sets), similarity.ClassAnswers()
    with whole(out / "grades.json") as file:
        opening = {"format": FORMAT, "session": session_as_json(session), "of": scores.of}
        file.write(json.dumps(opening).removesuffix("}") + ',\n"results": [')
        comma = "\n"
        for result in results:
            score = scores.add(result, marks, due)
            file.write(comma + json.dumps(score.as_json(result)))
            comma = ",\n"
            graded = session.sets.get(result.set) if result.set else None
            feedback.write(out, result, score, graded)
            for name, task in graded.tasks.items() if graded else ():
                if answer := result.tasks.get(name):
                    answers.add(result.student, str(result.set), name, answer.answer, task.given)
        file.write("\n]}\n")
    feedback.clear(out, scores.pages)
    marks.write()
    gradebook.write(out, scores)
    junit.write(out, scores)
    pairs = answers.pairs()
    similarity.write(out, pairs)
    troubles = [*due.troubles, *due.strangers(set(scores.students)), *marks.troubles, *marks.gone()]
    class_page.write(out, scores, session, deadlines=due, pairs=pairs, troubles=troubles)
    return troubles
