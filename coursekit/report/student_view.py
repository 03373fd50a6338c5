"""What a student may know of the own result.

Of a hidden check only the points are told, and that it used other inputs: no label, no value. A
reason, a mistake or a note that could come from one is left out. Why points are withheld is
between the instructor and the result.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from coursekit.report.manual import Mark
from coursekit.report.page import several
from coursekit.report.scores import SetScore, TaskScore
from coursekit.report.text import first_line, number

OTHERS = "other inputs than those shown"

_WAITS = "These points wait: your instructor looks at this answer first."
_STATUS = {"graded": "graded", "partly": "graded in part", "unreadable": "not readable"}


@dataclass(frozen=True)
class Told:
    """What is said of one task, as plain text."""

    heading: str
    checks: tuple[str, ...]
    reason: str
    mistake: str
    faults: tuple[str, ...]
    remarks: tuple[str, ...]
    comment: str
    words: str
    answer: str


def heading(result: Mapping, score: SetScore, fields: Mapping) -> Iterator[str]:
    of = sum(task.of for task in score.tasks.values())
    if fields:
        waits = f"; {number(score.open)} more wait for your instructor" if score.open else ""
        yield f"{number(score.points)} of {number(of)} points{waits}."
    if score.late is not None:
        yield f"{several(score.late, 'day')} late." if score.late else "In time."
    hidden = [h for task in result["tasks"].values() for h in _hidden(task)]
    if result["status"] != "graded" or result["why"]:
        why = "" if _leaks(result["why"], hidden) else result["why"]
        yield f"The file was {_STATUS[result['status']]}{': ' + why if why else '.'}"
    for note in result["notes"]:
        if not _leaks(note, hidden):
            yield note


def told(task: Mapping | None, score: TaskScore, fields: Mapping) -> Told:
    """What a student may know of a task."""
    heading = f"Task {fields['number']}: {fields['title']}"
    points = f"{heading}: {number(score.points)} of {number(score.of)} points"
    if task is None:
        return Told(points, (), "", "", (), (), "", "", "")
    public = [cell for cell in task["cells"].values() if not cell["hidden"]]
    faults = tuple(fault for cell in public for fault in cell["faults"])
    only_hidden = _lost(task, True) and not _lost(task, False)
    reason = _reason(task, faults, only_hidden)
    remarks = []
    if score.granted:
        remarks.append(
            _WAITS if score.granted.points is None else _marked("this answer", score.granted)
        )
    if fields["manual_of"]:
        remarks.append(_of_words(task["words"], score.words, fields["manual_of"]))
    comments = [mark.comment for mark in (score.granted, score.words) if mark and mark.comment]
    return Told(
        points,
        tuple(_checks(task)),
        reason,
        "" if only_hidden else task["mistake"],
        tuple(f for f in faults if f not in first_line(reason)),
        tuple(remarks),
        "\n".join(comments),
        task["words"] or "",
        task["answer"],
    )


def _checks(task: Mapping) -> Iterator[str]:
    for cell_id, cell in task["cells"].items():
        what = OTHERS if cell["hidden"] else cell_id
        yield f"{what}: {number(cell['points'])} of {number(cell['of'])}"


def _of_words(words: str | None, mark: Mark | None, of: float) -> str:
    if mark is None or not (words or "").strip():
        return f"Your words: none found, 0 of {number(of)}"
    if mark.points is None:
        return f"Your words: your instructor has not read them yet; up to {number(of)} points"
    return f"{_marked('your words', mark)} of {number(of)}"


def _marked(what: str, mark: Mark) -> str:
    return f"Your instructor gave {what} {number(mark.points)}"


def _lost(task: Mapping, hidden: bool) -> bool:
    """Whether one of the hidden, or of the public, checks cost points."""
    cells = task["cells"].values()
    return any(cell["points"] < cell["of"] for cell in cells if cell["hidden"] == hidden)


def _reason(task: Mapping, faults: tuple[str, ...], only_hidden: bool) -> str:
    """The first reason, if it is not a hidden check's; else the first public fault, if any."""
    reason, hidden = task["reason"], _hidden(task)
    first = first_line(reason)
    if only_hidden:
        return f"Lost with {OTHERS}."
    if first in faults:
        return first if _leaks(reason.removeprefix(first), hidden) else reason
    if _leaks(reason, hidden):
        return faults[0] if faults else f"Lost with {OTHERS}."
    return reason


def _hidden(task: Mapping) -> list[str]:
    """What is not told: hidden checks, their faults, and the labels of these."""
    faults = [f for cell in task["cells"].values() if cell["hidden"] for f in cell["faults"]]
    cells = [name for name, cell in task["cells"].items() if cell["hidden"]]
    return [*cells, *faults, *(fault.partition(": ")[0] for fault in faults)]


def _leaks(text: str, hidden: list[str]) -> bool:
    return any(secret in text for secret in hidden if secret)
