"""Run notebooks one by one in judges of their own: what each cell printed, and how it ended."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from coursekit.sandbox.launch import Sandbox, connection_file, short_folder
from coursekit.sandbox.limits import MIB, Limits
from coursekit.sandbox.server import ForkServer, Order, run

PRELOAD = (
    "pytest",
    "_pytest.terminal",
    "_pytest.assertion.rewrite",
    "nbval.plugin",
    "nbformat",
    "jupyter_client.manager",
    "jupyter_client.blocking",
    "coursekit.grader.nbval_runner",
)
PATIENCE = 60  # seconds that a judge has beyond those of its kernel


@dataclass(frozen=True)
class CellRun:
    """What became of one cell: nbval's verdict, its lines, its error in one line."""

    passed: bool
    printed: str
    error: str
    stderr: str


@dataclass(frozen=True)
class Run:
    """What became of a notebook: the cells that were run, and, if it broke off, where and why."""

    cells: dict[str, CellRun]
    broke_in: str | None
    why: str


class Engine:
    """Judges for any number of notebooks, from several threads at once."""

    def __init__(self, base: Path, server: ForkServer | None) -> None:
        self._base, self._server = base, server

    def run(self, notebook: NotebookNode, sandbox: Sandbox) -> Run:
        """Run a notebook, whose cells have ids; never raises for what is in it."""
        folder = self._base / uuid.uuid4().hex[:8]
        folder.mkdir()
        try:
            command, environment = sandbox.command(folder)
            (folder / "run.json").write_text(
                json.dumps(
                    {
                        "command": command,
                        "environment": environment,
                        "ipc": os.name == "posix",
                        "connection": connection_file(folder),
                        "limits": sandbox.limits.as_json(),
                    }
                )
            )
            nbformat.write(notebook, folder / "notebook.ipynb")
            ended = self._judge(folder, sandbox.limits)
            return _read(folder / "cells.jsonl", ended)
        finally:
            _remove(folder)

    def _judge(self, folder: Path, limits: Limits) -> str:
        wait = limits.submission + PATIENCE
        own = replace(limits, submission=wait, memory=2048 * MIB, disk=1024 * MIB)
        variables = dict(os.environ) | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        if self._server is not None:
            order = Order(
                "coursekit.grader.nbval_runner:judge", [str(folder)], own, variables, str(folder)
            )
            return run(self._server, order, wait + 5)
        try:
            subprocess.run(
                [sys.executable, "-m", "coursekit.grader.nbval_runner", str(folder)],
                env=variables,
                capture_output=True,
                timeout=wait,
            )
        except subprocess.TimeoutExpired:
            return f"took longer than {wait:g} s"
        return "ended"


@contextlib.contextmanager
def opened() -> Iterator[Engine]:
    """An engine, with judges forked from a server where there can be one."""
    base = short_folder()
    try:
        if sys.platform.startswith("linux"):
            with ForkServer(base, list(PRELOAD), dict(os.environ)) as server:
                yield Engine(base, server)
        else:
            yield Engine(base, None)
    finally:
        shutil.rmtree(base, ignore_errors=True)


def _remove(folder: Path) -> None:
    """Delete a run's folder, however deep a student nested what is in it."""
    with contextlib.suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if folder.exists() and os.name == "posix":
        for command in (["chmod", "-R", "u+rwx"], ["rm", "-rf"]):
            subprocess.run([*command, "--", str(folder)], capture_output=True)


def _read(log: Path, ended: str) -> Run:
    cells, begun = {}, None
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    for line in lines:
        with contextlib.suppress(ValueError):  # the last line of a judge that was ended
            fields = json.loads(line)
            if "begins" in fields:
                begun = fields["begins"]
                continue
            if fields["dead"]:
                return Run(cells, begun or fields["cell"], fields["dead"])
            if fields["when"] == "call":
                cells[fields["cell"]] = CellRun(
                    fields["passed"], fields["printed"], fields["error"], fields["stderr"]
                )
            begun = None
    broken = begun is not None or not lines
    return Run(cells, begun, f"its judge {ended}" if broken else "")
