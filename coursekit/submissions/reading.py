"""A student's file as cells, however damaged or foreign it is; nothing in it is executed.

It reads notebooks of nbformat 2 to 4 and percent scripts, in any Unicode encoding or Latin-1. Each
repair gives one sentence. A file without any cell raises `Unreadable`.
"""

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from coursekit.submissions.contents import Unreadable, cell_contents, resolved

SIZE_LIMIT = 64_000_000  # bytes; outputs are dropped while parsing
CELL_LIMIT = 1_000
CELL_LENGTH = 100_000  # characters; pictures in a text do not count
LENGTH_LIMIT = 2_000_000  # of all cells together
SINGLY = 100_000  # at most so many bytes that are no UTF-8 are decoded one by one

_PERCENT = re.compile(r"^# ?%%(?:[ \t](.*))?$", re.MULTILINE)
_SCRIPT = re.compile(r"^# In ?\[[\d ]*\]:(.*)$", re.MULTILINE)  # nbconvert's
_TITLE = re.compile(r"(.*?)\s*(?:\[(markdown|md|raw)\].*|(?:\b\w+=|\{).*|$)")
_HEADER = re.compile(r"\A# ---\n(?:#.*\n)*?# ---\n")
_PICTURE = re.compile(r"data:image/[\w.+-]{1,40};base64,[\w+/=]+", re.ASCII)
_ODD = re.compile(r"[\x00\ud800-\udfff]")


@dataclass(frozen=True)
class Cell:
    """One cell. Its kind is "code", or "markdown" for every cell that does not run."""

    id: str | None
    kind: str
    source: str
    metadata: dict


@dataclass(frozen=True)
class Reading:
    """The cells of a file, and one sentence per repair."""

    cells: tuple[Cell, ...]
    notes: tuple[str, ...]


def read_notebook(data: bytes, name: str) -> Reading:
    """Return the cells of a notebook or percent script; in doubt, ``name`` decides which it is.

    Raises:
        Unreadable: one sentence, for a file that has no cells or is too large.
    """
    if len(data) > SIZE_LIMIT:
        raise Unreadable(
            f"the file has {len(data):,} bytes and the limit is {SIZE_LIMIT:,}; clear "
            "its outputs and hand it in again"
        )
    if not data.strip(b"\0\t\n\r "):
        raise Unreadable("the file is empty")
    notes: list[str] = []
    text = resolved(_decoded(data, notes), notes)
    notebook = text.lstrip().startswith("{") or not is_script(text)
    contents = cell_contents(text, notes, CELL_LIMIT + 1) if notebook else []
    found = _cells(contents, notes) if notebook else _script(text)
    cells = list(islice(found, CELL_LIMIT + 1))
    if not cells and name.lower().endswith(".py"):
        cells = list(_script(text))
    if not cells:
        raise Unreadable(
            f"the file is no notebook, or an empty one; it begins with {text.strip()[:20]!a}"
        )
    if len(cells) > CELL_LIMIT:
        raise Unreadable(
            f"the file has more than {CELL_LIMIT:,} cells; "
            "delete those that are no part of the exercise"
        )
    clean = tuple(_clean(cells, notes))
    length = sum(len(cell.source) for cell in clean)
    if length > LENGTH_LIMIT:
        raise Unreadable(
            f"the file has {length:,} characters in its cells and the limit is {LENGTH_LIMIT:,}; "
            "delete those that are no part of the exercise"
        )
    return Reading(clean, tuple(dict.fromkeys(notes)))


def is_script(text: str) -> bool:
    """Return True if a text has percent marks, or the marks of nbconvert's scripts."""
    return bool(_PERCENT.search(text) or _SCRIPT.search(text))


def _decoded(data: bytes, notes: list[str]) -> str:
    encoding = json.detect_encoding(data)
    marked = data.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff"))
    if encoding[:5] != "utf-8" and (marked or data[:4000].count(0) > len(data[:4000]) // 4):
        notes.append(f"The file was in {encoding.upper()}.")
        return _lines(data.decode(encoding, "replace").removeprefix("\ufeff"))
    text = data.decode("utf-8-sig", "replace")
    wrong = text.count("\ufffd") - data.count("\ufffd".encode())
    if wrong:
        notes.append(f"Bytes that are no UTF-8 were read as Latin-1: {wrong:,}.")
        many = wrong > SINGLY
        text = data.decode("latin-1") if many else data.decode("utf-8-sig", "latin-1 bytes")
    return _lines(text)


def _latin(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)  # we only decode
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error("latin-1 bytes", _latin)


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _cells(contents: list, notes: list[str]) -> Iterator[Cell]:
    for content in contents:
        if isinstance(content, dict):
            yield _cell(content, notes)
        else:
            notes.append("Cells that were null, or no cells at all, were left out.")


def _cell(content: dict, notes: list[str]) -> Cell:
    kind, metadata = content.get("cell_type"), content.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    written = content.get("source", content.get("input"))
    source = _source(written, notes)
    if kind == "heading":  # nbformat 3
        level = content.get("level")
        depth = int(level) if isinstance(level, int | float) and level in range(1, 7) else 2
        source = "#" * depth + " " + source
    found = (content.get("id"), metadata.get("id"))
    identity = next((name for name in found if isinstance(name, str)), None)
    return Cell(identity, "code" if kind == "code" else "markdown", source, metadata)


def _source(written: object, notes: list[str]) -> str:
    if isinstance(written, str):
        return written
    if not isinstance(written, list):
        notes.append("Cells whose source was no text were read as empty.")
        return ""
    parts = [part for part in written if isinstance(part, str)]
    if len(parts) < len(written):
        notes.append("Lines of a cell that were no text were left out.")
    bare = len(parts) > 1 and not any(part.endswith("\n") for part in parts[:-1])
    return ("\n" if bare else "").join(parts)


def _script(text: str) -> Iterator[Cell]:
    """Yield the cells of a percent script; a script without marks is a single cell."""
    text = _HEADER.sub("", text, count=1) if text.startswith("# ---\n") else text
    mark = _PERCENT if _PERCENT.search(text) else _SCRIPT
    heads = list(islice(mark.finditer(text), CELL_LIMIT + 2))  # more are refused anyhow
    ends = [*(head.start() for head in heads), len(text)]
    top = text[: ends[0]].strip("\n")
    if top.strip():
        yield Cell(None, "code", top, {})
    for head, end in zip(heads, ends[1:], strict=True):
        source = text[head.end() : end].strip("\n")
        found = _TITLE.match((head[1] or "").strip()[:500])
        metadata = {"title": found[1]} if found and found[1] else {}
        if found and found[2]:
            yield Cell(None, "markdown", _uncommented(source), metadata)
        else:
            yield Cell(None, "code", source, metadata)


def _uncommented(source: str) -> str:
    lines = source.split("\n")
    if lines[0] in ('"""', "'''") and lines[-1] == lines[0] and len(lines) > 1:
        return "\n".join(lines[1:-1])
    return "\n".join(line.removeprefix("#").removeprefix(" ") for line in lines)


def _clean(cells: list[Cell], notes: list[str]) -> Iterator[Cell]:
    for cell in cells:
        source = _lines(_PICTURE.sub("", cell.source))
        if len(source) > CELL_LENGTH:
            notes.append(f"Cells of more than {CELL_LENGTH:,} characters were read as empty.")
            source = ""
        if _ODD.search(source):
            notes.append("Characters that no text can hold (NUL, half a surrogate) were replaced.")
            source = _ODD.sub(lambda odd: "" if odd[0] == "\0" else "\ufffd", source)
        yield Cell(cell.id, cell.kind, source, cell.metadata)
