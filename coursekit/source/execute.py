"""Run a notebook in a fresh kernel of this environment."""

import os
from collections.abc import Callable
from pathlib import Path

from jupyter_client import AsyncKernelManager
from jupyter_core.utils import run_sync
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, NbvalKernelspecManager

from coursekit.gate import gpu_here, is_progress, kernel_environment
from coursekit.source.pairs import WIDGET_VIEW

CELL_LIMIT = 600  # seconds; as many as the gate allows


def execute(
    notebook: NotebookNode,
    folder: Path,
    *,
    environment: dict[str, str] | None = None,
    limit: float = CELL_LIMIT,
    go_on: bool = False,
    watch: Callable[[str], None] | None = None,
) -> None:
    """Run all cells in ``folder``, and put their outputs into the notebook.

    Args:
        notebook: changed in place.
        folder: the working folder of the kernel.
        environment: variables in addition to those of this process.
        limit: seconds for one cell.
        go_on: run the cells after a failed one, too.
        watch: called with the id of each cell before it runs.

    Raises:
        CellExecutionError: for the first cell that fails, unless ``go_on``.
        CellTimeoutError: for a cell past its limit.
        DeadKernelError: if the kernel dies.
    """
    manager = AsyncKernelManager(  # with the other kind nbclient's limits do not hold
        kernel_name=CURRENT_ENV_KERNEL_NAME, kernel_spec_manager=NbvalKernelspecManager()
    )
    tagged = any("gpu" in cell.metadata.get("tags", []) for cell in notebook.cells)

    def begin(cell: NotebookNode, cell_index: int) -> None:
        if watch:
            watch(cell.id)

    client = NotebookClient(
        notebook,
        on_cell_start=begin,
        km=manager,
        timeout=limit,
        record_timing=False,
        coalesce_streams=True,
        allow_errors=go_on,
        skip_cells_with_tag="gpu" if tagged and not gpu_here() else "",
        resources={"metadata": {"path": str(folder)}},
    )
    variables = os.environ | kernel_environment() | (environment or {})
    try:
        with open(os.devnull, "w") as nowhere:  # the kernel's own log, not the cells' stderr
            client.execute(env=variables, stderr=nowhere)
    finally:
        if client.kc is not None:
            client.kc.stop_channels()
        run_sync(manager.shutdown_kernel)(now=True)
    notebook.metadata.pop("widgets", None)
    for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):
        cell.outputs = [output for output in cell.outputs if not is_progress(output)]
    for output in (output for cell in notebook.cells for output in cell.get("outputs", [])):
        output.get("data", {}).pop(WIDGET_VIEW, None)  # sliders are nothing without their kernel
    notebook.metadata.language_info = NotebookNode(name="python")
