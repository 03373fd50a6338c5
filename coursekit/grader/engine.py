"""Run notebooks, each by pytest and nbval in a process of its own."""

import contextlib
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from coursekit.grader.runs import NotebookRun, RunOrder, read_log, write_order
from coursekit.sandbox.launch import Sandbox, connection_file, short_folder
from coursekit.sandbox.limits import MIB, Limits
from coursekit.sandbox.server import ForkServer, Order, run

RUNNER = "coursekit.grader.nbval_runner"
PRELOAD = (
    "pytest",
    "_pytest.terminal",
    "_pytest.assertion.rewrite",
    "nbval.plugin",
    "nbformat",
    "jupyter_client.manager",
    "jupyter_client.blocking",
    RUNNER,
)
PATIENCE = 60  # seconds that the process of a run has beyond those of its kernel


class Engine:
    """Runs any number of notebooks, from several threads at once."""

    def __init__(self, base: Path, server: ForkServer | None) -> None:
        self._base, self._server = base, server

    def run(self, notebook: NotebookNode, sandbox: Sandbox) -> NotebookRun:
        """Run a notebook, whose cells have ids; never raises for what is in it."""
        folder = self._base / uuid.uuid4().hex[:8]
        folder.mkdir()
        try:
            command, environment = sandbox.command(folder)
            order = RunOrder(
                command=tuple(command),
                environment=environment,
                connection=connection_file(folder),
                sockets=os.name == "posix",
                limits=sandbox.limits,
            )
            write_order(folder, order)
            nbformat.write(notebook, folder / "notebook.ipynb")
            return read_log(folder, self._run(folder, sandbox.limits))
        finally:
            _remove(folder)

    def _run(self, folder: Path, limits: Limits) -> str:
        """Run the notebook in a folder; returns how its process ended."""
        wait = limits.submission + PATIENCE
        own = replace(limits, submission=wait, memory=2048 * MIB, disk=1024 * MIB)
        variables = dict(os.environ) | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        if self._server is not None:
            order = Order(f"{RUNNER}:run", [str(folder)], own, variables, str(folder))
            return run(self._server, order, wait + 5)
        try:
            subprocess.run(
                [sys.executable, "-m", RUNNER, str(folder)],
                env=variables,
                capture_output=True,
                timeout=wait,
            )
        except subprocess.TimeoutExpired:
            return f"took longer than {wait:g} s"
        return "ended"


@contextlib.contextmanager
def open_engine() -> Iterator[Engine]:
    """Open an engine; where it can, it forks its processes from a server that has loaded nbval."""
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
    """Delete a run's folder, however deep a student nested folders in it."""
    with contextlib.suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if folder.exists() and os.name == "posix":
        for command in (["chmod", "-R", "u+rwx"], ["rm", "-rf"]):
            subprocess.run([*command, "--", str(folder)], capture_output=True)
