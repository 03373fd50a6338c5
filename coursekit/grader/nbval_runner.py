"""Run one notebook by pytest and nbval, its kernel shut in, and write down what each cell did.

This runs in a process of its own, outside the sandbox, with the reference outputs in the notebook.
It reads the folder of the run: `run.json` and `notebook.ipynb`; it writes `cells.jsonl`, a line
when a cell begins and one when it ends.
"""

import json
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from queue import Empty

import nbval.plugin
import pytest
import zmq
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import KernelManager
from nbval.plugin import IPyNbCell, NbCellError

from coursekit.gate import GuardedKernel

GRACE = 6  # seconds that a cell has after it was interrupted; nbval itself waits 5
SAID = 5  # seconds until a kernel's guard has said how the kernel ended, on a busy machine
START = 60  # seconds for a kernel to answer
KEPT = 100_000  # characters of what a cell printed
_SANITIZE = "[measured]\nregex: measured \\S+\nreplace: measured\n"


class ShutInKernel(GuardedKernel):
    """A kernel behind a command line and socket files, with limits on time and output."""

    def __init__(self, folder: Path, order: dict) -> None:
        self.folder, self.order, self.status = folder, order, "ok"
        self.why, self.seen, self.until = "", 0, time.monotonic() + START
        specification = KernelSpec(
            argv=order["command"],
            env=order["environment"],
            language="python",
            interrupt_mode="message",
        )

        class Specifications(KernelSpecManager):
            def get_kernel_spec(self, _):
                return specification

        context = zmq.Context()
        context.maxmsgsize = order["limits"]["output"]
        sockets = {"transport": "ipc", "ip": str(folder / "sockets" / "k")} if order["ipc"] else {}
        self.km = KernelManager(
            kernel_spec_manager=Specifications(),
            context=context,
            connection_file=order["connection"],
            **sockets,
        )
        self.km.start_kernel(stderr=open(os.devnull, "w"))
        self.kc = self.km.client(context=context)
        self.kc.start_channels()
        self.cut = [
            each.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
            for each in (self.kc.iopub_channel, self.kc.shell_channel)
        ]
        try:
            self.kc.wait_for_ready(timeout=START)
        except RuntimeError as error:
            raise RuntimeError(f"the kernel did not start: {self.ended() or error}") from None
        self._ensure_iopub_up()

    def execute_cell_input(self, cell_input, allow_stdin=None):
        """Run a cell; from now on its time counts."""
        self.until = time.monotonic() + self.order["limits"]["cell"] + GRACE
        return super().execute_cell_input(cell_input, allow_stdin)

    def get_message(self, stream, timeout=None):
        """The next message; RuntimeError if the kernel died, or is ended for its excesses."""
        left = self.until - time.monotonic()
        if left <= 0:
            self.kill(f"took longer than {self.order['limits']['cell']:g} s")
        try:
            message = super().get_message(stream, min(left, left if timeout is None else timeout))
        except Empty:
            if self.until <= time.monotonic():
                self.kill(f"took longer than {self.order['limits']['cell']:g} s")
            raise
        self.seen += len(str(message["content"]))
        if self.seen > self.order["limits"]["output"]:
            self.kill(self._too_much())
        self._end_if_cut()  # perhaps what came before this is lost
        return message

    def is_alive(self) -> bool:
        """Whether the kernel lives."""
        self._end_if_cut()
        return super().is_alive()

    def _end_if_cut(self) -> None:
        """End a kernel whose message, longer than all its output may be, cut the line."""
        cut = not self.why and any(each.poll(0) for each in self.cut)
        if cut and super().is_alive() and not self._told():
            self.kill(self._too_much())

    def _too_much(self) -> str:
        return f"printed more than {self.order['limits']['output'] / 2**20:g} MB"

    def _told(self) -> str:
        """How the kernel ended, if its guard says so, or is about to; else empty."""
        path, until = self.folder / "ended", time.monotonic() + SAID
        while not path.exists() and time.monotonic() < until:
            time.sleep(0.02)
        return path.read_text(errors="replace") if path.exists() else ""

    def kill(self, why: str) -> None:
        """End the kernel, and say why; always raises RuntimeError."""
        self.why = self.why or why
        self.stop()
        raise RuntimeError(why)

    def stop(self) -> None:
        """End the kernel, once. Before the last cell, nbval does so with one that goes on."""
        if hasattr(self, "km"):
            self.why = self.why or f"took longer than {self.order['limits']['cell']:g} s"
            super().stop()

    def ended(self) -> str:
        """Why the kernel is dead, in words; empty while it lives."""
        with suppress(RuntimeError):  # it says why, too
            if not self.why and self.is_alive():
                return ""
        self.why = self.why or self._told() or "ended"
        return self.why


class Scribe:
    """The pytest plugin: nbval with our kernel, no trust in tags, and a record of every cell."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.order = folder, json.loads((folder / "run.json").read_text())
        self.log = open(folder / "cells.jsonl", "a", encoding="utf-8")  # until the process ends

    def pytest_collectstart(self, collector) -> None:
        """Warnings and figures cost nothing: only what checks print is compared."""
        if isinstance(collector, nbval.plugin.IPyNbFile):
            collector.skip_compare += ("stderr", "text/plain", "text/html", "image/svg+xml")

    def pytest_collection_modifyitems(self, items) -> None:
        """Comments and tags of a student count for nothing."""
        for item in items:
            item.options.update(skip=False, check_exception=False, check=True)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item):
        """An error that showed no output is one all the same."""
        self._write(begins=item.cell.id)
        item.parent.timed_out = False  # an earlier time-out fails no later cell
        result = yield
        if item.parent.kernel.status == "error":
            raise NbCellError(item.cell_num, "the kernel reports an error", item.cell.source)
        if item.parent.timed_out:
            raise NbCellError(item.cell_num, "took too long", item.cell.source)
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item, call):
        """Write down how a cell ended."""
        report = yield
        if isinstance(item, IPyNbCell) and (call.when == "call" or report.failed):
            outputs = item.test_outputs or []
            errors = [f"{out.ename}: {out.evalue}"[:300] for out in outputs if "ename" in out]
            kernel = item.parent.kernel
            late = item.parent.timed_out and f"took longer than {self.order['limits']['cell']:g} s"
            self._write(
                cell=item.cell.id,
                passed=report.passed,
                when=call.when,
                printed=_stream(outputs, "stdout"),
                stderr=_stream(outputs, "stderr")[:4000],
                error=late or next(iter(errors), ""),
                seconds=round(call.duration, 3),
                dead=_reason(call) if kernel is None else kernel.ended(),
            )
        return report

    def _write(self, **fields) -> None:
        self.log.write(json.dumps(fields) + "\n")
        self.log.flush()


def _reason(call) -> str:
    return str(call.excinfo.value)[:300] if call.excinfo else "no kernel"


def _stream(outputs: list, name: str) -> str:
    texts = (out.text for out in outputs if out.get("name") == name and "text" in out)
    return "".join(map(str, texts))[:KEPT]


def judge(run: str) -> int:
    """Judge the notebook of a run's folder."""
    folder = Path(run)
    scribe = Scribe(folder)
    nbval.plugin.RunningKernel = lambda *_, **__: ShutInKernel(folder, scribe.order)
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "sanitize.cfg").write_text(_SANITIZE)
    return pytest.main(
        [
            str(folder / "notebook.ipynb"),
            "-q",
            "-c",
            str(folder / "pytest.ini"),
            "--rootdir",
            str(folder),
            "--noconftest",
            "-p",
            "no:cacheprovider",
            "-p",
            "nbval.plugin",
            "--nbval",
            "--nbval-cell-timeout",
            str(scribe.order["limits"]["cell"]),
            "--nbval-sanitize-with",
            str(folder / "sanitize.cfg"),
        ],
        [scribe],
    )


if __name__ == "__main__":
    sys.exit(judge(sys.argv[1]))
