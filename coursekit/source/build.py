"""`python -m coursekit build`: make each notebook from its source; `--check` only compares them.

Build makes the `.ipynb` beside each percent file (see `pairs`): the same cells, executed in a fresh
kernel in the file's folder, with their outputs. In the percent file itself it sets the blank lines
between cells as JupyterLab would. From a solution it makes the exercise as well (see `cut`), which
is not executed, because its answers are still to be written. If a student worked in an exercise
that a new one replaces, a copy goes to `work/mine/kept` first.
"""

import time
from argparse import Namespace
from pathlib import Path

import nbformat
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from coursekit import mine
from coursekit.files import write_whole
from coursekit.source import cut
from coursekit.source.execute import execute
from coursekit.source.pairs import (
    EXECUTED,
    canonical,
    differences,
    output_fault,
    read_source,
    sources,
    strays,
)
from coursekit.source.paper_map import PAGE, SOURCE, page_difference, paper_map

CELL_LIMIT = 600  # seconds; as many as the gate allows


def build(source: Path, *, force: bool = False) -> str:
    """Write the notebook of `source`; returns "unchanged", "refreshed" or "executed in ...".

    Runs the notebook only if a code cell changed since its outputs were stored, or with `force`.
    Raises CellExecutionError, with the old notebook untouched, when a cell fails.
    """
    twin = source.with_suffix(".ipynb")
    notebook = read_source(source)
    stored = nbformat.read(twin, as_version=4) if twin.exists() else nbformat.v4.new_notebook()
    fresh = _take_outputs(notebook, stored)
    done = "refreshed"
    if source.parent.name in EXECUTED and (force or not fresh):
        start = time.monotonic()
        execute(notebook, source.parent)
        done = f"executed in {time.monotonic() - start:.1f} s"
    text = nbformat.writes(notebook) + "\n"
    written = [_write(source, canonical(source)), _write(twin, text)]
    return done if any(written) else "unchanged"


def derive(source: Path) -> list[str]:
    """Write the files in `exercises/` that a solution makes; returns a line per changed file."""
    said = []
    for path, text in cut.derived(source).items():
        if path.exists() and path.suffix != ".json" and cut.worked_on(path, text):
            copy = mine.keep(path, mine.home(path.parent))
            said.append(f"{path} was worked on; a copy is kept as {copy}")
        if _write(path, text):
            said.append(f"{path}: made")
    return said


def _write(path: Path, text: str) -> bool:
    """Write a file whole, if it does not hold that text already; returns whether it did."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    write_whole(path, text)
    return True


def run(options: Namespace) -> int:
    """Build or check; returns the exit status. Raises ValueError where there is no course."""
    chosen = options.sources or sources(Path())
    if not chosen:
        raise ValueError("no course/*.py here; run this from the root of the course's repository")
    for path in chosen:
        if path.suffix != ".py" or not path.is_file():
            raise ValueError(f"{path} is not a percent file; give the .py of a lesson")
        if path.parent.name not in EXECUTED:
            raise ValueError(f"{path} is made from {_solution(path)}; edit and build that")
    if options.check:
        faults = [fault for path in chosen for fault in differences(path)]
        solutions = filter(_is_solution, chosen)
        faults += [fault for path in solutions for fault in cut.differences(path)]
        faults += [] if options.sources else strays(Path()) + page_difference(Path())
        print("\n".join(faults) or f"{len(chosen)} pairs agree")
        return 1 if faults else 0
    for path in chosen:
        made = derive(path) if _is_solution(path) else []
        print("".join(f"{line}\n" for line in made), end="")
        try:
            done = build(path, force=options.force or bool(made))
            print(f"{path.with_suffix('.ipynb')}: {done}", flush=True)
        except CellExecutionError as error:
            print(f"{path} fails, and its notebook stays as it was:\n{error}")
            return 1
    if not options.sources and SOURCE.exists():
        print(f"{PAGE}: {'made' if _write(PAGE, paper_map(Path())) else 'unchanged'}")
    return 0


def _is_solution(path: Path) -> bool:
    return path.parent.name == "solutions"


def _solution(exercise: Path) -> Path:
    return exercise.parent.parent / "solutions" / exercise.name


def _take_outputs(notebook: NotebookNode, stored: NotebookNode) -> bool:
    """Copy the outputs of unchanged code cells; True if that was all of them, in order."""
    old = [cell for cell in stored.cells if cell.cell_type == "code"]
    new = [cell for cell in notebook.cells if cell.cell_type == "code"]
    by_id = {cell.get("id"): cell for cell in old}
    for cell in new:
        twin = by_id.get(cell.id)
        if twin is not None and twin.source == cell.source:
            cell.outputs, cell.execution_count = twin.outputs, twin.execution_count
    return [(c.id, c.source) for c in old] == [(c.id, c.source) for c in new] and not any(
        output_fault(cell) for cell in new
    )
