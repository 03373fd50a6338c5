"""Lessons and exercises as pages: the notebooks as they are, with what a page needs beside them.

A page gets launch links under its title and a target before each cell; an exercise also the folds
of what its checks should print. Solutions are never read: an answer cannot come from there.
"""

import hashlib
import html
import json
import re
from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path

from coursekit.checks import record
from coursekit.checks.record import MEASURED, TaskRecord

Cells = list[dict]
PNG = "image/png"
NOT_TOLD = "(checked, not told: it would be the answer)"


def lesson(root: Path, name: str, address: str | None) -> str:
    """The page of `course/NAME.ipynb`."""
    notebook = _read(root / "course" / f"{name}.ipynb")
    cells = [each for cell in notebook["cells"] for each in (*_target(name, cell), cell)]
    _under_title(cells, _launch("course", name, address))
    return _write(notebook, cells)


def exercise(root: Path, name: str, address: str | None) -> str:
    """The page of `exercises/NAME.ipynb`: under each check, a fold of what it should print."""
    notebook = _read(root / "exercises" / f"{name}.ipynb")
    expected = record.read(root / f"exercises/expected/{name}.json")
    folds = {
        check: _fold(task, cell.lines)
        for task in expected.tasks.values()
        for check, cell in task.cells.items()
    }
    cells: Cells = []
    for cell in notebook["cells"]:
        cells.append(cell)
        if cell["id"] in folds:
            cells.append(_text(f"{cell['id']}-expected", folds[cell["id"]]))
    back = f"It belongs to [lesson {name[:2]}](../course/{name}.ipynb)."
    _under_title(cells, f"{_launch('exercises', name, address)}\n\n{back}")
    return _write(notebook, cells)


def title(root: Path, path: str) -> str:
    """The heading of a notebook."""
    return _read(root / path)["cells"][0]["source"].splitlines()[0].removeprefix("# ")


def picture(root: Path, lesson: str, cell: str) -> tuple[str, str]:
    """The first picture that a lesson's cell shows: base64 of the PNG, and its text.

    Raises:
        ValueError: if there is none.
    """
    for each in _read(root / "course" / f"{lesson}.ipynb")["cells"]:
        for output in each.get("outputs", []) if each["id"] == cell else []:
            if PNG in output.get("data", {}):
                text = output["metadata"][PNG]["alt"]
                return "".join("".join(output["data"][PNG]).split()), text
    raise ValueError(f"course/{lesson}.ipynb shows no picture in its cell {cell!r}")


def alternatives(notebook: str) -> dict[str, str]:
    """SHA-256 of each picture in a notebook's text to its alternative text."""
    return {
        hashlib.sha256(b64decode("".join(output["data"][PNG]))).hexdigest(): output.get(
            "metadata", {}
        )
        .get(PNG, {})
        .get("alt", "")
        for cell in json.loads(notebook)["cells"]
        for output in cell.get("outputs", [])
        if PNG in output.get("data", {})
    }


def _fold(task: TaskRecord, lines: Sequence[str]) -> str:
    """What a check should print, as far as the check itself tells someone who is wrong."""
    shown = [_line(task, line) for line in lines]
    return (
        '<details class="expected"><summary>Expected output</summary>'
        f"<pre>{html.escape(chr(10).join(shown))}</pre></details>"
    )


def _line(task: TaskRecord, line: str) -> str:
    label, _, value = line.partition(": ")
    if value.startswith(MEASURED):
        low, high = task.within[label]
        return f"{label}: measured, between {low:g} and {high:g}"
    says = task.explain(line, f"{label}: something else")
    return line if says and says.endswith(f"expected {value}") else f"{label}: {NOT_TOLD}"


def _launch(folder: str, name: str, address: str | None) -> str:
    path = f"{folder}/{name}.ipynb"
    links = [f'<a href="../notebooks/{path}" download>Download the notebook</a>']
    first = ""
    if address:
        owner = address.removeprefix("https://github.com/")
        short = owner.partition("/")[2]
        colab = f"https://colab.research.google.com/github/{owner}/blob/main/{path}"
        binder = f"https://mybinder.org/v2/gh/{owner}/main?labpath={path}"
        links = [
            f'<a href="{colab}">Open in Colab</a>',
            f'<a href="{binder}">Open in Binder</a>',
            *links,
        ]
        first = (
            "\n\n<details><summary>In Colab, run this first</summary><pre>"
            f"!git clone -q --depth 1 {address} &amp;&amp; pip install -q ./{short}\n"
            f"%cd {short}/{folder}</pre></details>"
        )
    here = f"<span>On your machine: <code>make lab</code>, then <code>{path}</code></span>"
    return f'<div class="launch">{" ".join([*links, here])}</div>{first}'


def _target(name: str, cell: dict) -> Cells:
    """A place to link to, before a cell that has a name of its own."""
    if "title" not in cell["metadata"]:
        return []
    return [_text(f"{cell['id']}-target", f"({name[:2]}-{cell['id']})=")]


def _under_title(cells: Cells, text: str) -> None:
    first = next(cell for cell in cells if cell["source"].startswith("# "))
    heading, _, rest = first["source"].partition("\n")
    first["source"] = f"{heading}\n\n{text}\n{rest}"


def _text(identity: str, source: str) -> dict:
    return {"cell_type": "markdown", "id": identity, "metadata": {}, "source": source}


def _read(path: Path) -> dict:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
    return notebook


def _write(notebook: dict, cells: Cells) -> str:
    """The notebook's text; a link to a percent file leads to the page of its notebook."""
    for cell in cells:
        if cell["cell_type"] == "markdown":
            cell["source"] = re.sub(r"\]\((\d\d_\w+)\.py\)", r"](\1.ipynb)", cell["source"])
    return json.dumps(notebook | {"cells": cells}, indent=1, ensure_ascii=False)
