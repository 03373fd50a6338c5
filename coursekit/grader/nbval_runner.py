"""Run one notebook by pytest and nbval in a shut-in kernel, and report how each cell ended.

This runs in a process of its own, outside the sandbox, with the reference outputs in the notebook.
It takes its order and `notebook.ipynb` from the run's folder, and reports there (see `runs`).
"""

import os
import sys
import time
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from queue import Empty
from typing import Any, NoReturn

import nbval.plugin
import pytest
import zmq
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import KernelManager
from nbformat import NotebookNode
from nbval.plugin import IPyNbCell, NbCellError

from coursekit.gate import GuardedKernel
from coursekit.grader.runs import CellRun, RunLog, RunOrder, read_order

GRACE = 6  # seconds that a cell has after it was interrupted; nbval itself waits 5
PATIENCE = 5  # seconds until a kernel's guard has said how the kernel ended, on a busy machine
START = 180  # seconds for a kernel to answer
KEPT = 100_000  # characters of what a cell printed
_SANITIZE = "[measured]\nregex: measured \\S+\nreplace: measured\n"


class ShutInKernel(GuardedKernel):
    """A kernel behind a command line and socket files, with limits on time and output."""

    def __init__(self, folder: Path, order: RunOrder) -> None:
        self.folder, self.order, self.status = folder, order, "ok"
        self.why, self.seen, self.until = "", 0, time.monotonic() + START
        specification = KernelSpec(
            argv=list(order.command),
            env=order.environment,
            language="python",
            interrupt_mode="message",
        )

        class Specifications(KernelSpecManager):
            def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
                return specification

        context = zmq.Context()
        context.maxmsgsize = order.limits.output
        sockets = {"transport": "ipc", "ip": str(folder / "sockets" / "k")} if order.sockets else {}
        self.km = KernelManager(
            kernel_spec_manager=Specifications(),
            context=context,
            connection_file=order.connection,
            **sockets,
        )
        self.km.start_kernel(stderr=open(os.devnull, "w"))  # noqa: SIM115 - the kernel keeps it
        self.kc = self.km.client(context=context)
        self.kc.start_channels()
        self.monitors = [
            channel.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
            for channel in (self.kc.iopub_channel, self.kc.shell_channel)
        ]
        try:
            self.kc.wait_for_ready(timeout=START)
        except RuntimeError as error:
            raise RuntimeError(f"the kernel did not start: {self.ended() or error}") from None
        self._ensure_iopub_up()

    def execute_cell_input(self, cell_input: str, allow_stdin: bool | None = None) -> str:
        """Start a cell; from now on its time counts."""
        self.until = time.monotonic() + self.order.limits.cell + GRACE
        message_id: str = super().execute_cell_input(cell_input, allow_stdin)
        return message_id

    def get_message(self, stream: str, timeout: float | None = None) -> dict[str, Any]:
        """Return the next message.

        Raises:
            RuntimeError: if the kernel died, or is ended for its excesses.
        """
        left = self.until - time.monotonic()
        if left <= 0:
            self.kill(too_long(self.order))
        try:
            least = left if timeout is None else min(left, timeout)
            message: dict[str, Any] = super().get_message(stream, least)
        except Empty:
            if self.until <= time.monotonic():
                self.kill(too_long(self.order))
            raise
        self.seen += len(str(message["content"]))
        if self.seen > self.order.limits.output:
            self.kill(self._too_much())
        self._end_if_cut()  # perhaps what came before this is lost
        return message

    def is_alive(self) -> bool:
        """Return True while the kernel lives."""
        self._end_if_cut()
        return bool(super().is_alive())

    def _end_if_cut(self) -> None:
        """End a kernel that cut the connection by a message longer than all its output may be."""
        cut = not self.why and any(monitor.poll(0) for monitor in self.monitors)
        if cut and super().is_alive() and not self._guard_says():
            self.kill(self._too_much())

    def _too_much(self) -> str:
        return f"printed more than {self.order.limits.output / 2**20:g} MB"

    def _guard_says(self) -> str:
        """Return how the kernel ended, as its guard says or soon will; else nothing."""
        path, until = self.folder / "ended", time.monotonic() + PATIENCE
        while not path.exists() and time.monotonic() < until:
            time.sleep(0.02)
        return path.read_text(errors="replace") if path.exists() else ""

    def kill(self, why: str) -> NoReturn:
        """End the kernel, and raise RuntimeError with the reason."""
        self.why = self.why or why
        self.stop()
        raise RuntimeError(why)

    def stop(self) -> None:
        """End the kernel, once. nbval itself ends one that goes on after an interrupt."""
        if hasattr(self, "km"):
            self.why = self.why or too_long(self.order)
            super().stop()

    def ended(self) -> str:
        """Return why the kernel is dead, in words; empty while it lives."""
        with suppress(RuntimeError):  # `is_alive` may end it, and keeps the reason
            if not self.why and self.is_alive():
                return ""
        self.why = self.why or self._guard_says() or "ended"
        return self.why


class Reporter:
    """The pytest plugin: nbval with our kernel, no trust in tags, and a report of every cell."""

    def __init__(self, folder: Path, order: RunOrder) -> None:
        self.order, self.log = order, RunLog(folder)

    def pytest_collectstart(self, collector: pytest.Collector) -> None:
        """Compare only the lines that checks print: warnings and figures cost nothing."""
        if isinstance(collector, nbval.plugin.IPyNbFile):
            collector.skip_compare += ("stderr", "text/plain", "text/html", "image/svg+xml")

    def pytest_collection_modifyitems(self, items: list[IPyNbCell]) -> None:
        """Ignore the comments and tags by which nbval lets a notebook weaken its checks."""
        for item in items:
            item.options.update(skip=False, check_exception=False, check=True)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: IPyNbCell) -> Generator[None, object, object]:
        """Fail a cell whose error showed no output."""
        self.log.begin(item.cell.id)
        item.parent.timed_out = False  # an earlier time-out fails no later cell
        result = yield
        if item.parent.kernel.status == "error":
            raise NbCellError(item.cell_num, "the kernel reports an error", item.cell.source)
        if item.parent.timed_out:
            raise NbCellError(item.cell_num, "took too long", item.cell.source)
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: IPyNbCell, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Report how a cell ended."""
        report = yield
        if isinstance(item, IPyNbCell) and (call.when == "call" or report.failed):
            outputs = item.test_outputs or []
            errors = [f"{out.ename}: {out.evalue}"[:300] for out in outputs if "ename" in out]
            kernel = item.parent.kernel
            run = CellRun(
                passed=report.passed,
                printed=_stream(outputs, "stdout"),
                error=too_long(self.order) if item.parent.timed_out else "".join(errors[:1]),
                stderr=_stream(outputs, "stderr")[:4000],
            )
            dead = _reason(call) if kernel is None else kernel.ended()
            self.log.end(item.cell.id, run, called=call.when == "call", dead=dead)
        return report


def too_long(order: RunOrder) -> str:
    """Return the reason for a cell that was interrupted."""
    return f"took longer than {order.limits.cell:g} s"


def _reason(call: pytest.CallInfo[None]) -> str:
    return str(call.excinfo.value)[:300] if call.excinfo else "no kernel"


def _stream(outputs: list[NotebookNode], name: str) -> str:
    texts = (out.text for out in outputs if out.get("name") == name and "text" in out)
    return "".join(map(str, texts))[:KEPT]


def run(name: str) -> int:
    """Run the notebook in the run folder of this name; returns pytest's exit status."""
    folder = Path(name)
    order = read_order(folder)
    nbval.plugin.RunningKernel = lambda *_, **__: ShutInKernel(folder, order)
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "sanitize.cfg").write_text(_SANITIZE)
    arguments = [
        str(folder / "notebook.ipynb"),
        "-q",
        *("-c", str(folder / "pytest.ini")),
        *("--rootdir", str(folder)),
        "--noconftest",
        *("-p", "no:cacheprovider"),
        *("-p", "nbval.plugin"),
        "--nbval",
        *("--nbval-cell-timeout", str(order.limits.cell)),
        *("--nbval-sanitize-with", str(folder / "sanitize.cfg")),
    ]
    return int(pytest.main(arguments, [Reporter(folder, order)]))


if __name__ == "__main__":
    sys.exit(run(sys.argv[1]))
