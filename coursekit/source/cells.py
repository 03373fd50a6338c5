"""Run the code cells of a set in this process, and return what each of them printed.

This is for the course's own answers, which are trusted; a student's notebook runs in a kernel (see
`student`). A fresh namespace takes the place of a fresh process: torch is loaded once.
"""

import contextlib
import io
import linecache
import os
from collections.abc import Iterable
from unittest import mock

from coursekit.checks.limits import TooLong, limit

CELL_LIMIT = 600  # seconds: these answers are trusted, and the machine may have other work
LINE_LIMIT = 300  # seconds, for one call: an answer that has no end is refused, not recorded

Printed = dict[str, list[str]]
"""The lines that each cell printed, by the cell's id."""


def run(cells: Iterable[tuple[str, str]], *, seed: int = 0) -> Printed:
    """Run cells in a fresh namespace; returns the lines that each of them printed.

    Raises RuntimeError for a cell that fails: a check reports errors of what it calls as lines.
    """
    space: dict = {"__name__": "__main__"}
    with mock.patch.dict(
        os.environ,
        COURSEKIT_CHECK="values",
        COURSEKIT_SEED=str(seed),
        COURSEKIT_LINE_LIMIT=str(LINE_LIMIT),
    ):
        return {name: _cell(name, source, space) for name, source in cells}


def _cell(name: str, source: str, space: dict) -> list[str]:
    filename, printed = f"<{name}>", io.StringIO()
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    try:
        with (
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(io.StringIO()),
            limit(CELL_LIMIT),
        ):
            exec(compile(source, filename, "exec"), space)
    except (Exception, TooLong) as error:
        raise RuntimeError(f"{name!r}: raises {type(error).__name__}: {error}") from error
    lines = printed.getvalue().splitlines()
    for line in lines:
        if line.endswith(f": {TooLong(LINE_LIMIT)}"):
            raise RuntimeError(f"{name!r}: {line}")
    return lines
