"""`python -m coursekit check 05`: the points of your answers, the mistakes behind, what is next.

The work is done in `marking`, which is imported only after the first sign of life.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import textwrap
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from coursekit.checks.panel import folded
from coursekit.checks.record import UNWRITTEN
from coursekit.student.work import find
from coursekit.terminal import Progress, paint, sign

if TYPE_CHECKING:
    from coursekit.student.marking import Mark
    from coursekit.student.notebook import Submission

WIDTH = 96
COLOURS = {True: "green", False: "red", None: "grey"}


def run(options: argparse.Namespace) -> int:
    """Check a set and print the table; the status is 0 if all points are earned, else 1."""
    path = find(options.exercise)
    print(f"Checking {path} in a fresh kernel ...", flush=True)
    start = time.monotonic()
    with Progress(sys.stderr) as progress:
        progress.say("starting Python")
        from coursekit.student.marking import mark, remember
        from coursekit.student.notebook import read

        submission = read(path)
        marks = mark(submission, progress.say)
    hints = remember(submission, marks)
    for line in report(submission, marks, hints, time.monotonic() - start):
        print(line)
    return 0 if all(each.points == each.of for each in marks) else 1


def report(
    submission: Submission, marks: list[Mark], hints: dict[str, str], seconds: float
) -> Iterator[str]:
    """Yield the lines that `check` prints: the sum, then each task with its mistake first."""
    points, of = sum(each.points for each in marks), sum(each.of for each in marks)
    verdict = f"{submission.name}: all tasks {points} of {of} points"
    yield paint(f"{_sign(points == of)} {verdict}", "bold", sys.stdout)
    yield f"  the file was saved {saved(submission.path)}; checked in {seconds:.0f} s"
    later = sum(task.points for task in submission.record.tasks.values()) - of
    if later:
        yield f"  {later} more points come from your instructor: other inputs, your words"
    yield ""
    for each in marks:
        solved = None if each.reason == UNWRITTEN else each.points == each.of
        row = f"{_sign(solved)} {each.number} {each.title:40.40} {each.points:3} of {each.of:3}"
        yield paint(row, COLOURS[solved], sys.stdout)
        known = each.mistake and f"A known mistake: {each.mistake}"
        warning = each.warning and f"! {each.warning}"
        reasons = map(folded, each.reason.splitlines())
        for text in (known, *reasons, warning, hints.get(each.task, "")):
            yield from _wrapped(text)
    for note in (*submission.left_out(), *submission.notes):
        yield from _wrapped(f"! {note}")


def _sign(solved: bool | None) -> str:
    return sign(solved, sys.stdout)


def _wrapped(text: str) -> list[str]:
    width = min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns)
    return textwrap.wrap(text, width, initial_indent="    ", subsequent_indent="      ")


def saved(path: Path) -> str:
    """Return in words how long ago a file was saved."""
    minutes = int((time.time() - path.stat().st_mtime) / 60)
    if minutes < 1:
        return "just now"
    if minutes < 120:
        return f"{minutes} minute{'s' * (minutes != 1)} ago"
    return datetime.fromtimestamp(path.stat().st_mtime).strftime("on %Y-%m-%d at %H:%M")
