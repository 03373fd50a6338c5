"""Pairs of notebooks: `course/NN_name.py`, the source, and the `.ipynb` that is made from it.

Cell ids are stable and mean something, because reports and, later, answers find a cell by its id.
A cell's name stands on its first line, `# %% my-cell` (jupytext keeps it as the cell's title, and
JupyterLab carries it through a save); the name is the id. A text cell without one is named after
its heading, and any other cell after the last name before it: `my-cell-2`, `my-cell-3`.

Pairs are compared cell by cell; file times are never looked at. JupyterLab does look at them: it
refuses to open a pair whose `.ipynb` is the newer file unless both come to the same text, blank
lines included. So a source has to be written just as JupyterLab would write it (`canonical`).
Only the folders of authors are paired, each by its own ``jupytext.toml``. Exercises are not: where
two files hold one text, an answer that is written into one of them can be lost to the other.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import jupytext
import nbformat
from jupytext.config import JupytextConfiguration
from nbformat import NotebookNode

FOLDERS = ("course", "solutions", "exercises")
EXECUTED = ("course", "solutions")
PAGES = ("paper_to_code.toml", "paper_to_code.md", "glossary.md", "README.md")
KNOWN = (*PAGES, "jupytext.toml")  # these are no strays
KEPT_METADATA = ("title", "tags", "task", "points", "manual")  # by jupytext too: jupytext.toml
KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}
AS_JUPYTERLAB_WRITES = JupytextConfiguration(  # the same filters as in jupytext.toml
    notebook_metadata_filter="kernelspec,-all",
    cell_metadata_filter=",".join([*KEPT_METADATA, "-all"]),
)
FOLDED = "hide-input"
"""Tag of a cell with folded code. The site knows the tag; JupyterLab needs metadata made of it."""
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
REPAIR = "`make build` repairs it"


def sources(root: Path) -> list[Path]:
    """Return every percent file that people write, sorted; exercises are made by `cut`."""
    return sorted(path for folder in EXECUTED for path in (root / folder).glob("*.py"))


def read_source(path: Path) -> NotebookNode:
    """Return the notebook of a percent file: named cells, not yet executed.

    Raises ValueError for a name that cannot be an id, or that two cells would share, and for a
    file without the header that JupyterLab writes: it would refuse to open the pair.
    """
    return read_text(path.read_text(encoding="utf-8"), path)


def read_text(text: str, path: Path) -> NotebookNode:
    """Return the notebook of a text that stands, or would stand, at `path`. See `read_source`."""
    notebook = jupytext.reads(text, fmt="py:percent")
    if notebook.metadata.get("kernelspec") != KERNELSPEC:
        raise ValueError(
            f"{path} does not begin with the header that names the kernel python3; "
            "copy the header of another lesson"
        )
    for cell, identity in zip(notebook.cells, _identities(notebook.cells, path), strict=True):
        cell.id = identity
        cell.metadata = NotebookNode(_kept(cell.metadata))
        if FOLDED in cell.metadata.get("tags", []):
            cell.metadata.jupyter = NotebookNode(source_hidden=True)
    notebook.metadata = NotebookNode(kernelspec=KERNELSPEC, language_info={"name": "python"})
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def canonical(source: Path) -> str:
    """Return a percent file's text as JupyterLab would save it: only blank lines may differ."""
    return written(read_source(source))


def written(notebook: NotebookNode) -> str:
    """Return a notebook as the percent file that JupyterLab would write."""
    return jupytext.writes(notebook, fmt="py:percent", config=AS_JUPYTERLAB_WRITES)


def differences(source: Path) -> list[str]:
    """Return one sentence per difference between a source and the `.ipynb` beside it."""
    twin = source.with_suffix(".ipynb")
    if not twin.exists():
        return [f"{twin} is missing; {REPAIR}"]
    made, stored = read_source(source), nbformat.read(twin, as_version=4)
    names = [cell.id for cell in made.cells]
    found = [cell.get("id") for cell in stored.cells]
    if names != found:
        odd = next((a, b) for a, b in zip(names + [None], found + [None], strict=False) if a != b)
        return [f"{twin}: cell {odd[1]!r} stands where {source} has {odd[0]!r}; {REPAIR}"]
    pairs = list(zip(made.cells, stored.cells, strict=True))
    faults = [
        f"{twin}, cell {ours.id!r}: its {what} differs from {source}; {REPAIR}"
        for ours, theirs in pairs
        for what in ("cell_type", "source", "metadata")
        if _comparable(ours, what) != _comparable(theirs, what)
    ]
    if source.read_text(encoding="utf-8") != canonical(source):
        faults.append(f"{source} is not written as JupyterLab would save it; {REPAIR}")
    executed = source.parent.name in EXECUTED
    return faults + [
        f"{twin}, cell {cell.id!r} {fault}"
        for cell in stored.cells
        if executed and (fault := output_fault(cell))
    ]


def strays(root: Path) -> list[str]:
    """Return one sentence per file in the course's folders that belongs to no pair."""
    files = [path for folder in FOLDERS for path in sorted((root / folder).glob("*"))]
    files += sorted((root / "exercises" / "expected").glob("*"))
    return [
        f"{path} belongs to no pair: its source is missing, or its name is not like 05_name"
        for path in files
        if path.is_file() and path.name not in KNOWN and not _has_source(path, root)
    ]


def _has_source(path: Path, root: Path) -> bool:
    kinds = {
        "course": "py|ipynb",
        "solutions": "py|ipynb|toml",
        "exercises": "ipynb",
        "expected": "json",
    }
    home = path.parent if path.parent.name in EXECUTED else root / "solutions"
    return (
        re.fullmatch(rf"\d\d_\w+\.({kinds[path.parent.name]})", path.name) is not None
        and (home / f"{path.stem}.py").exists()
    )


def output_fault(cell: NotebookNode) -> str | None:
    """Return the reason why a cell's stored outputs cannot stand in a lesson, or None."""
    tags = cell.metadata.get("tags", [])
    if cell.cell_type != "code" or not cell.source.strip() or "gpu" in tags:
        return None
    if cell.execution_count is None:
        return f"was never run; {REPAIR}"
    kinds = {output.get("name", output.output_type) for output in cell.outputs}
    if "error" in kinds and "raises-exception" not in tags:
        return "stores an error; fix the cell, then call `make build`"
    if "stderr" in kinds:
        return "wrote to stderr; fix the cause of the warning, then call `make build`"
    if any(WIDGET_VIEW in output.get("data", {}) for output in cell.outputs):
        return f"stores sliders, which do not work without their kernel; {REPAIR}"
    return None


def _identities(cells: list[NotebookNode], path: Path) -> Iterator[str]:
    """Yield one id per cell: its name, else its heading, else the last of these and a number."""
    seen, last, count = set(), "top", 0
    for cell in cells:
        heading = re.match(r"#+ +(.+)", cell.source) if cell.cell_type == "markdown" else None
        name = cell.metadata.get("title") or (heading and _slug(heading[1]))
        last, count = (name, 1) if name else (last, count + 1)
        identity = name or f"{last}-{count}"
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,63}", identity):
            raise ValueError(
                f"{path}: {identity!r} cannot name a cell; use at most 64 of a-z, 0-9 "
                "and -, as in `# %% my-cell`"
            )
        if identity in seen:
            raise ValueError(
                f"{path}: two cells would be called {identity!r}; give one of them "
                "another name, as in `# %% my-cell`"
            )
        seen.add(identity)
        yield identity


def _slug(heading: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")[:60].strip("-")


def _kept(metadata: dict) -> dict:
    return {key: metadata[key] for key in KEPT_METADATA if key in metadata}


def _comparable(cell: NotebookNode, what: str) -> object:
    return _kept(cell.metadata) if what == "metadata" else cell[what]
