"""feedback/STUDENT--SET.html and .ipynb: what a student may see of a result, in both forms."""

import json
from collections.abc import Mapping
from pathlib import Path

from coursekit.files import write_whole
from coursekit.report.page import listed, name, page
from coursekit.report.scores import SetScore
from coursekit.report.student_view import Told, heading, told
from coursekit.report.text import fenced, markdown, shown

FOLDER = "feedback"


def write(out: Path, result: Mapping, score: SetScore, fields: Mapping) -> None:
    """Write both forms; ``fields`` is the set as the session tells it, {} if it is not known."""
    target = out / FOLDER / score.page
    title = f"{result['set'] or 'An unknown set'}: {fields.get('title', 'not recognised')}"
    head = list(heading(result, score, fields))
    tasks = [
        told(result["tasks"].get(task), score.tasks[task], each)
        for task, each in fields.get("tasks", {}).items()
    ]
    body = (
        f"<h1>{shown(title)}</h1>\n<p>{name(result['student'])}</p>\n"
        + "\n".join(f"<p>{shown(line)}</p>" for line in head)
        + "\n".join(_as_html(each) for each in tasks)
    )
    write_whole(target.with_name(f"{score.page}.html"), page(title, body))
    opening = [f"# {markdown(title)}", markdown(result["student"]), *map(markdown, head)]
    cells = ["\n\n".join(opening), *(_as_markdown(each) for each in tasks)]
    write_whole(target.with_name(f"{score.page}.ipynb"), _notebook(cells))


def _as_html(told: Told) -> str:
    parts = [f"<h2>{shown(told.heading)}</h2>", listed(map(shown, told.checks))]
    if told.reason:
        parts.append(f"<p><b>Why:</b></p><pre>{shown(told.reason, lines=True)}</pre>")
    if told.faults:
        parts.append(f"<p>Also:</p>{listed(map(shown, told.faults))}")
    if told.mistake:
        parts.append(f"<p><b>A known mistake:</b> {shown(told.mistake)}</p>")
    parts += [f"<p>{shown(remark)}</p>" for remark in told.remarks]
    if told.comment:
        parts.append(
            f"<p><b>Your instructor writes:</b></p>"
            f"<blockquote>{shown(told.comment, lines=True)}</blockquote>"
        )
    if told.words:
        parts.append(
            "<details><summary>Your words</summary>"
            f"<blockquote>{shown(told.words, lines=True)}</blockquote></details>"
        )
    if told.answer:
        parts.append(
            "<details open><summary>Your answer</summary>"
            f"<pre>{shown(told.answer, lines=True)}</pre></details>"
        )
    return "\n".join(part for part in parts if part)


def _as_markdown(told: Told) -> str:
    parts = [f"## {markdown(told.heading)}", "\n".join(f"- {markdown(c)}" for c in told.checks)]
    if told.reason:
        parts += ["**Why:**", fenced(told.reason)]
    if told.faults:
        parts += ["Also:", "\n".join(f"- {markdown(fault)}" for fault in told.faults)]
    if told.mistake:
        parts.append(f"**A known mistake:** {markdown(told.mistake)}")
    parts += [markdown(remark) for remark in told.remarks]
    if told.comment:
        parts += ["**Your instructor writes:**", fenced(told.comment)]
    if told.words:
        parts += ["Your words:", fenced(told.words)]
    if told.answer:
        parts += ["Your answer:", fenced(told.answer, "python")]
    return "\n\n".join(part for part in parts if part)


def _notebook(sources: list[str]) -> str:
    """A notebook of text cells, so that opening and running it runs nothing of the student's."""
    cells = [
        {
            "cell_type": "markdown",
            "id": f"part-{k}",
            "metadata": {},
            "source": source.splitlines(keepends=True),
        }
        for k, source in enumerate(sources)
    ]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"


def clear(out: Path, pages: set[str]) -> None:
    """Remove the pages of those who are not in this grading any more."""
    for path in sorted((out / FOLDER).glob("*--*")):
        if path.suffix in (".html", ".ipynb") and path.stem.casefold() not in pages:
            path.unlink()
