"""A student's answers through the visible checks: points, reasons, the next hints.

The answers run in a fresh kernel, outside the student's notebook, which is only read. The lines
that the checks print there are judged here, against the record.
"""

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from coursekit import mine
from coursekit.checks.check import TROUBLE
from coursekit.checks.digest import fingerprint
from coursekit.checks.record import UNWRITTEN, TaskRecord
from coursekit.checks.static_checks import withheld, workarounds
from coursekit.source.execute import execute
from coursekit.student.notebook import Submission
from coursekit.submissions.given import owner

CELL_LIMIT = 120  # seconds; each call of an answer has its own, shorter one


@dataclass(frozen=True)
class Mark:
    """One task: points, of how many that can be checked here, and the first reason for a loss.

    ``warning`` says what the grader will not accept, whatever the points are here.
    """

    task: str
    number: int
    title: str
    points: int
    of: int
    reason: str
    mistake: str
    warning: str = ""


def mark(submission: Submission, say: Callable[[str], None] = lambda text: None) -> list[Mark]:
    """Run the answers, and judge what the checks print; one mark per task.

    ``say`` is told the task that is being run.
    """
    notebook = submission.grafted()
    died, tasks = "", submission.record.tasks
    starts = {task.answer: k for k, task in enumerate(tasks.values(), 1)}

    def watch(cell: str) -> None:
        if k := starts.get(cell):
            say(f"task {k} of {len(tasks)}: {list(tasks.values())[k - 1].title}")

    try:
        execute(
            notebook,
            submission.path.parent.resolve(),
            limit=CELL_LIMIT,
            go_on=True,
            watch=watch,
            environment={"COURSEKIT_CHECK": "values", "COURSEKIT_SEED": "0"},
        )
    except (DeadKernelError, CellTimeoutError) as error:
        done = [cell.id for cell in notebook.cells if cell.get("execution_count")]
        what = "Python itself died" if isinstance(error, DeadKernelError) else "it took too long"
        died = f"{what} in or after the cell {done[-1] if done else 'setup'}"
    cells = {cell.id: cell for cell in notebook.cells}
    return [
        _mark(submission, name, number, task, cells, died)
        for number, (name, task) in enumerate(submission.record.tasks.items(), 1)
    ]


def _mark(
    submission: Submission,
    name: str,
    number: int,
    task: TaskRecord,
    cells: dict[str, NotebookNode],
    died: str,
) -> Mark:
    verdicts = [task.verdict(cell, printed(cells[cell])) for cell in task.cells]
    points, of = sum(v.points for v in verdicts), sum(v.of for v in verdicts)
    strange = submission.strange(name)
    known = task.mistakes(verdicts)
    reason = next((fault for verdict in verdicts for fault in verdict.faults), "")
    if submission.absent(name):
        reason = f"the cell {task.answer} is not in this notebook any more"
    elif submission.unwritten(name):
        reason, known = UNWRITTEN, []
    elif strange:
        reason, points = f"to be written without {', '.join(strange)}", 0
    elif broken := _error(cells, task.answer):
        reason = f"your cell does not run: {broken}"
    elif ": raises " in reason:
        reason += "".join(f"\n{line.strip()}" for line in _trouble(task, cells))
    elif died and reason.endswith("did not get that far"):
        reason = died
    ways = workarounds(submission.answer(name))
    warning = withheld(ways) if ways else ""
    return Mark(name, number, task.title, points, of, reason, "; or: ".join(known), warning)


def printed(cell: NotebookNode) -> list[str]:
    """The lines that a cell printed."""
    texts = [output.text for output in cell.outputs if output.get("name") == "stdout"]
    return "".join(texts).splitlines()


def _trouble(task: TaskRecord, cells: dict[str, NotebookNode]) -> list[str]:
    """The first short traceback that a task's checks showed."""
    return trouble(
        "".join(
            output.text
            for cell in task.cells
            for output in cells[cell].outputs
            if output.get("name") == "stderr"
        )
    )


def trouble(text: str) -> list[str]:
    """The first short traceback in what checks showed."""
    lines = text.splitlines()
    starts = [
        k
        for k, line in enumerate(lines)
        if line.startswith(TROUBLE) and not line.startswith(TROUBLE + " ")
    ]
    return lines[starts[0] : starts[1] if len(starts) > 1 else None] if starts else []


def _error(cells: dict[str, NotebookNode], answer: str) -> str:
    """The first error of the cells of an answer."""
    errors = [
        output
        for name, cell in cells.items()
        if owner(name) == answer
        for output in cell.outputs
        if output.output_type == "error"
    ]
    return f"{errors[0].ename}: {errors[0].evalue}".splitlines()[0] if errors else ""


def remember(submission: Submission, marks: list[Mark]) -> dict[str, str]:
    """Write the progress of this set; returns the next hint of each task that lost points.

    Another hint comes when the answer was changed and still loses points.
    """
    before = mine.read(submission.home).get(submission.name, {}).get("tasks", {})
    tasks, hints = {}, {}
    for each in marks:
        task = submission.record.tasks[each.task]
        answer = fingerprint(submission.answer(each.task))
        old = before.get(each.task, {})
        count = old.get("hints", 0)
        if each.points < each.of and each.reason != UNWRITTEN:
            count = min(len(task.hints), count + (answer != old.get("answer")))
            hint = _plain(task.hints, count)
            hints[each.task] = f"Hint {count} of {len(task.hints)}: {hint}"
        tasks[each.task] = {"points": each.points, "of": each.of, "hints": count, "answer": answer}
    if submission.path.resolve().parent.name != "solutions":  # they are nobody's progress
        mine.write(
            submission.name,
            {
                "points": sum(each.points for each in marks),
                "of": sum(each.of for each in marks),
                "when": datetime.now().strftime("%Y-%m-%d %H:%M"),
                "tasks": tasks,
            },
            submission.home,
        )
    return hints


def _plain(hints: Sequence[str], count: int) -> str:
    return html.unescape(re.sub(r"</?(?:code|pre|em|b|p)>", "`", hints[count - 1]))
