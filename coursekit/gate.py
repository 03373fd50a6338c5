"""The gate around nbval: conditions that a notebook cell must meet to pass.

A pytest plugin (`-p coursekit.gate`) that closes the ways in which nbval 0.11 lets a bad
cell through. On top of nbval's comparison of outputs, a cell fails when

- the kernel's execute_reply says `error` though the cell is not marked to raise. This catches an
  unknown magic on the first line and an overridden `showtraceback`, which send no error output;
- it is marked to raise and does not;
- it was never run, or its notebook stores no output at all: there would be nothing to compare;
- it outlives its time limit, even if it swallows the interrupt and goes on;
- the kernel dies, noticed within a second and not after the cell's time limit.

Cells tagged `gpu` are skipped where there is no GPU. The tags that weaken a check (`nbval-skip`,
`nbval-ignore-output`, `raises-exception`) count only in this project's own folders `TRUSTED`.
Each kernel gets its share of the cores, and matplotlib's inline backend.
"""

import os
import time
from collections.abc import Generator, Mapping
from pathlib import Path
from queue import Empty
from typing import Any, NoReturn
from unittest import mock

import nbval.plugin
import pytest
from nbval.kernel import RunningKernel
from nbval.plugin import IPyNbCell, NbCellError

TRUSTED = ("course", "solutions")
ALIVE_EVERY = 0.5  # seconds between two looks at whether the kernel still lives


def kernel_environment() -> dict[str, str]:
    """Return the variables of a kernel: its share of the cores, and inline figures."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    threads = os.environ.get("OMP_NUM_THREADS") or str(max(1, (os.cpu_count() or 1) // workers))
    return {
        "OMP_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }


class GuardedKernel(RunningKernel):
    """nbval's kernel, which also notices that it died and remembers how each cell ended."""

    def __init__(
        self, kernel_name: str, cwd: str | None = None, startup_timeout: float = 60
    ) -> None:
        self.status = "ok"
        with mock.patch.dict(os.environ, kernel_environment()):
            super().__init__(kernel_name, cwd=cwd, startup_timeout=startup_timeout)

    def get_message(self, stream: str, timeout: float | None = None) -> dict[str, Any]:
        """Return the next message of `stream`.

        Raises:
            Empty: after `timeout` seconds.
            RuntimeError: if the kernel is dead.
        """
        deadline = time.monotonic() + (float("inf") if timeout is None else timeout)
        while True:
            left = deadline - time.monotonic()
            try:
                message = super().get_message(stream, timeout=max(0, min(ALIVE_EVERY, left)))
            except Empty:
                if not self.is_alive():
                    self.kc.stop_channels()  # nbval leaves a dead kernel's open
                    raise RuntimeError("The kernel died while running this cell") from None
                if left <= 0:
                    raise
            else:
                if message["msg_type"] == "execute_reply":
                    self.status = message["content"]["status"]
                if left <= 0 or not is_progress(message["content"]):
                    return message


def is_progress(output: Mapping[str, Any]) -> bool:
    """Return whether an output is a progress line, which says how a cell ran and not what it gave.

    Long work in a notebook displays one with the metadata ``{"progress": True}``. It is never
    stored and never compared, as its times differ from run to run.
    """
    return bool(output.get("metadata", {}).get("progress"))


def pytest_configure(config: pytest.Config) -> None:
    """Give nbval the guarded kernel, and the list of what to blank before comparing."""
    nbval.plugin.RunningKernel = GuardedKernel
    if config.option.nbval_sanitize_with is None:
        config.option.nbval_sanitize_with = str(Path(__file__).with_name("sanitize.cfg"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Distrust tags of foreign notebooks; skip cells tagged `gpu` where there is none."""
    cells = [item for item in items if isinstance(item, IPyNbCell)]
    for cell in cells:
        if not any(cell.path.is_relative_to(config.rootpath / name) for name in TRUSTED):
            cell.options.update(skip=False, check_exception=False, check=True)
    on_gpu = [cell for cell in cells if "gpu" in cell.cell.metadata.get("tags", [])]
    if on_gpu and not gpu_here():
        for cell in on_gpu:
            cell.add_marker(pytest.mark.skip(reason="needs a GPU"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Refuse a cell without a reference before it runs, and one that ended badly after."""
    if not isinstance(item, IPyNbCell) or item.options["skip"]:
        return (yield)
    _need_reference(item)
    result = yield
    if item.parent.timed_out:  # also when the cell swallowed the interrupt
        _fail(item, f"The cell took longer than {item.config.option.nbval_cell_timeout:g} s")
    failed, meant_to = item.parent.kernel.status == "error", item.options["check_exception"]
    if failed and not meant_to:
        _fail(item, "The kernel reports an error for this cell, though it showed no traceback")
    if meant_to and not failed:
        _fail(item, "The cell is tagged raises-exception and raised nothing")
    return result


def _need_reference(item: IPyNbCell) -> None:
    """Raise unless the cell was run, and its notebook stores outputs to compare with."""
    if not item.cell.source.strip():
        return
    code = [cell for cell in item.parent.nb.cells if cell.cell_type == "code"]
    if item.cell.execution_count is None:
        _fail(item, "The cell was stored without having been run; `make build` runs it")
    if not any(cell.outputs for cell in code):
        _fail(item, "The notebook stores no output of any cell; `make build` stores them")


def _fail(item: IPyNbCell, message: str) -> NoReturn:
    raise NbCellError(item.cell_num, message, item.cell.source)


def gpu_here() -> bool:
    """Return True if this machine has a GPU that torch can use."""
    import torch  # two seconds: only when a cell asks for it

    return torch.cuda.is_available()
