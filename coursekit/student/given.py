"""What the course gives a student: copies of the lessons and exercises, and how to know them again.

A copy is known by its content, never by the time of its file. `Prints` are fingerprints of each
cell's text. Outputs do not count, nor does the kernel's name that JupyterLab writes into a notebook
when it is opened: a copy that was only run is still as it was given.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coursekit.checks.record import Record, load_all
from coursekit.dataclass_json import Mismatch, decode, encode
from coursekit.files import write_whole

FOLDERS = ("course", "exercises")
AUTHORS = (".py", ".toml")  # endings of files of the lessons' folder that only authors need
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
WHOLE = ""  # the name of a file's only part, if it is no notebook

_LINK = re.compile(r"(?<!!)\[([^\[\]]*)\]\(([^()\s#:]+\.\w+)(#[^()\s]*)?\)")


@dataclass(frozen=True)
class Prints:
    """Fingerprints of a file: of all its bytes, and of the text of each cell by its id."""

    file: str
    cells: Mapping[str, str]


@dataclass(frozen=True)
class Ledger:
    """The file `given.json`: what each copy held when it was given, and old work taken over."""

    files: dict[str, Prints] = field(default_factory=dict)
    taken: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> "Ledger":
        """Read it from the folder `mine`; a lost or damaged one is empty, which loses nothing."""
        try:
            return decode(cls, json.loads((folder / "given.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, Mismatch):
            return cls()

    def write(self, folder: Path) -> None:
        """Replace the file."""
        write_whole(folder / "given.json", json.dumps(encode(self), indent=1) + "\n")


def given_files(root: Path) -> Iterator[tuple[str, bytes]]:
    """Yield each file to be copied: its path from the student's folder, and its content.

    Exercises come from their records, as `reset` makes them: a notebook in the tracked folder may
    hold somebody's answers.
    """
    lessons = root / "course"
    for path in sorted(lessons.rglob("*")):
        inside = path.relative_to(lessons)
        hidden = any(part.startswith((".", "__")) for part in inside.parts)
        if path.is_file() and path.suffix not in AUTHORS and not hidden:
            yield f"course/{inside.as_posix()}", _within(path, root)
    for name, record in load_all(root).items():
        yield f"exercises/{name}.ipynb", exercise(record).encode()


def exercise(record: Record) -> str:
    """Return the text of an exercise's notebook as it was given."""
    cells = [_cell(cell.cell_type, cell.id, cell.metadata, cell.source) for cell in record.notebook]
    return notebook_text(cells)


def notebook_text(cells: list[dict[str, Any]]) -> str:
    """Return a notebook's text, written as nbformat would."""
    content = {
        "cells": cells,
        "metadata": {"kernelspec": KERNEL, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _cell(kind: str, name: str, metadata: Mapping[str, Any], source: str) -> dict[str, Any]:
    cell = {"cell_type": kind, "id": name, "metadata": dict(metadata)}
    cell["source"] = source.splitlines(keepends=True)
    return cell | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def cells_of(data: bytes) -> list[dict[str, Any]]:
    """Return the cells of a notebook, each source as one text.

    Raises:
        ValueError: if it is no notebook.
    """
    content = json.loads(data)
    cells = content.get("cells") if isinstance(content, dict) else None
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise ValueError("it has no list of cells")
    return [cell | {"source": _joined(cell.get("source"))} for cell in cells]


def prints(data: bytes, name: str) -> Prints:
    """Return the fingerprints of a file's content; a damaged notebook counts as a whole."""
    whole = fingerprint(data.replace(b"\r\n", b"\n"))
    if not name.endswith(".ipynb"):
        return Prints(whole, {WHOLE: whole})
    try:
        cells = cells_of(data)
    except ValueError:
        return Prints(whole, {WHOLE: whole})
    texts: dict[str, str] = {}
    for k, cell in enumerate(cells):
        name = str(cell.get("id", k))
        texts[f"{name} at {k}" if name in texts else name] = cell_print(cell)
    return Prints(whole, texts)


def cell_print(cell: Mapping[str, Any]) -> str:
    """Return the fingerprint of a cell's kind and text."""
    return fingerprint(f"{cell.get('cell_type')}\n{cell['source'].strip()}".encode())


def fingerprint(data: bytes) -> str:
    """Return sixteen characters that stand for some bytes."""
    return hashlib.sha256(data).hexdigest()[:16]


def _joined(source: object) -> str:
    if isinstance(source, list):
        return "".join(each for each in source if isinstance(each, str))
    return source if isinstance(source, str) else ""


def _within(path: Path, root: Path) -> bytes:
    """Return a file of the lessons; a link that leads out of the student's folder becomes text."""
    data = path.read_bytes()
    if path.suffix not in (".md", ".ipynb"):
        return data
    kept = [(root / folder).resolve() for folder in FOLDERS]

    def plain(link: re.Match[str]) -> str:
        target = (path.parent / link[2]).resolve()
        leads_out = target.exists() and not any(target.is_relative_to(each) for each in kept)
        return link[1] if leads_out else link[0]

    if path.suffix == ".md":
        return _LINK.sub(plain, data.decode("utf-8")).encode()
    changed, content = False, json.loads(data)
    for cell in content["cells"]:
        if cell["cell_type"] == "markdown":
            source = _joined(cell["source"])
            text = _LINK.sub(plain, source)
            if text != source:
                cell["source"], changed = text.splitlines(keepends=True), True
    if not changed:
        return data
    return (json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()
