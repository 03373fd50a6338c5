"""One run of a notebook: what is handed to the process that runs it, and what it reports.

`engine` writes the order into the run's folder, `nbval_runner` reads it and reports one JSON line
when a cell begins and one when it ends, and `engine` reads these lines, however far they got.
"""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from coursekit.dataclass_json import decode, encode
from coursekit.sandbox.limits import Limits

_ORDER, _LOG = "run.json", "cells.jsonl"


@dataclass(frozen=True)
class RunOrder:
    """The command that starts a run's kernel, and its limits.

    Attributes:
        command: the command line of the kernel.
        environment: all variables of the kernel.
        connection: the file in which the kernel finds its ports and its key.
        sockets: True to talk over socket files instead of network ports.
    """

    command: tuple[str, ...]
    environment: dict[str, str]
    connection: str
    sockets: bool
    limits: Limits


@dataclass(frozen=True)
class CellRun:
    """One cell's run: nbval's verdict, what it printed, its error on one line, its stderr."""

    passed: bool
    printed: str
    error: str
    stderr: str


@dataclass(frozen=True)
class NotebookRun:
    """One notebook's run: the cells that ended, and where and why it broke off, if it did."""

    cells: dict[str, CellRun]
    broke_in: str | None = None
    why: str = ""


@dataclass(frozen=True)
class _Line:
    """One line of the log: a cell began (``run`` is None), or ended.

    ``called`` is False if the cell failed before it was run; ``dead`` says why the kernel is dead.
    """

    cell: str
    run: CellRun | None = None
    called: bool = True
    dead: str = ""


class RunLog:
    """Writes a run's log, each line at once."""

    def __init__(self, folder: Path) -> None:
        self._file: TextIO = open(folder / _LOG, "a", encoding="utf-8")  # noqa: SIM115 - kept to the end

    def begin(self, cell: str) -> None:
        """Report that a cell begins."""
        self._write(_Line(cell))

    def end(self, cell: str, run: CellRun, *, called: bool, dead: str) -> None:
        """Report how a cell ended, and why the kernel is dead, if it is."""
        self._write(_Line(cell, run, called, dead))

    def _write(self, line: _Line) -> None:
        self._file.write(json.dumps(encode(line)) + "\n")
        self._file.flush()


def write_order(folder: Path, order: RunOrder) -> None:
    """Put the order into a run's folder."""
    (folder / _ORDER).write_text(json.dumps(encode(order)), encoding="utf-8")


def read_order(folder: Path) -> RunOrder:
    """Return the order of a run's folder."""
    return decode(RunOrder, json.loads((folder / _ORDER).read_text(encoding="utf-8")))


def read_log(folder: Path, ended: str) -> NotebookRun:
    """Return what a run's log says; ``ended`` is how the process that wrote it ended."""
    log = folder / _LOG
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    cells: dict[str, CellRun] = {}
    begun = None
    for text in lines:
        with suppress(ValueError):  # the last line of a process that was ended
            line = decode(_Line, json.loads(text))
            if line.run is None:
                begun = line.cell
                continue
            if line.dead:
                return NotebookRun(cells, begun or line.cell, line.dead)
            if line.called:
                cells[line.cell] = line.run
            begun = None
    if begun is not None or not lines:
        return NotebookRun(cells, begun, f"its judge {ended}")
    return NotebookRun(cells)
