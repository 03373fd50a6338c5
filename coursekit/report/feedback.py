"""feedback/STUDENT--SET.html and .ipynb: the part of a result that its student may see."""

import json
from collections.abc import Iterator
from pathlib import Path

from coursekit.files import write_whole
from coursekit.report.model import GradedSet, SubmissionResult
from coursekit.report.pages import render
from coursekit.report.scores import SetScore
from coursekit.report.student_view import StudentView, TaskView, student_view
from coursekit.report.text import fenced, markdown

FOLDER = "feedback"


def write(out: Path, result: SubmissionResult, score: SetScore, graded: GradedSet | None) -> None:
    """Write the page and the notebook; ``graded`` is the result's set, None if it has none."""
    view, folder = student_view(result, score, graded), out / FOLDER
    write_whole(folder / f"{score.page}.html", render("feedback.html.j2", view=view))
    write_whole(folder / f"{score.page}.ipynb", _notebook(view))


def clear(out: Path, pages: set[str]) -> None:
    """Remove the files of students who are no longer in this grading."""
    for path in sorted((out / FOLDER).glob("*--*")):
        if path.suffix in (".html", ".ipynb") and path.stem.casefold() not in pages:
            path.unlink()


def _notebook(view: StudentView) -> str:
    """Return a notebook of text cells, so that running it runs nothing of the student's."""
    opening = [f"# {markdown(view.title)}", markdown(view.student), *map(markdown, view.opening)]
    parts = [opening, *([*_task(task)] for task in view.tasks)]
    cells = [
        {
            "cell_type": "markdown",
            "id": f"part-{k}",
            "metadata": {},
            "source": "\n\n".join(filter(None, part)).splitlines(keepends=True),
        }
        for k, part in enumerate(parts)
    ]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"


def _task(task: TaskView) -> Iterator[str]:
    yield f"## {markdown(task.heading)}"
    yield _listed(task.checks)
    if task.reason:
        yield from ("**Why:**", fenced(task.reason))
    if task.faults:
        yield from ("Also:", _listed(task.faults))
    if task.mistake:
        yield f"**A known mistake:** {markdown(task.mistake)}"
    yield from map(markdown, task.remarks)
    if task.comment:
        yield from ("**Your instructor writes:**", fenced(task.comment))
    if task.words:
        yield from ("Your words:", fenced(task.words))
    if task.answer:
        yield from ("Your answer:", fenced(task.answer, "python"))


def _listed(lines: tuple[str, ...]) -> str:
    return "\n".join(f"- {markdown(line)}" for line in lines)
