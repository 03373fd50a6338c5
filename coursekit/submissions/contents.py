"""The readable part of a damaged file: one side of Git's conflicts, every whole notebook cell."""

import json
import re
from collections.abc import Iterator
from itertools import islice

PARTS_LIMIT = 4_000_000  # lists, objects and values: a small file may hold many
ATTEMPTS = 1_000  # places at which a damaged file may fail to hold a cell

_OPENING = re.compile(
    r'\{\s*"(?:cell_type|id|metadata|attachments|execution_count|source|outputs|collapsed|input'
    r'|language|level|prompt_number)"\s*:'
)
_CONFLICT = {"<<<<<<<": "upper", "|||||||": "base", "=======": "lower", ">>>>>>>": None}


class Unreadable(ValueError):
    """Raised for a file that gives no cells; the message is one sentence."""


def resolved(text: str, notes: list[str]) -> str:
    """Remove Git's conflict marks; keep the upper or lower sides, whichever has more answers."""
    if not re.search("^<{7} ", text, re.MULTILINE):
        return text
    sides: dict[str, list[str]] = {"upper": [], "lower": [], "base": []}
    now = None
    for line in text.split("\n"):
        mark = line[:7]
        if mark == "<<<<<<<" or (now and mark in _CONFLICT and line[7:8] in ("", " ")):
            now = _CONFLICT[mark]
            continue
        for side in (now,) if now else ("upper", "lower"):
            sides[side].append(line)
    upper, lower = ("\n".join(sides[side]) for side in ("upper", "lower"))
    chosen = "lower" if lower.count("your turn") < upper.count("your turn") else "upper"
    notes.append(f"Git's conflict marks were in the file; the {chosen} side of each was read.")
    return lower if chosen == "lower" else upper


def cell_contents(text: str, notes: list[str], most: int) -> list:
    """Return the list of a notebook's cells; from a damaged one, at most ``most`` whole cells."""
    body = text.lstrip()
    parts = sum(body.count(mark) for mark in "{[,")
    if parts > PARTS_LIMIT:
        raise Unreadable(
            f"the file has {parts:,} values and the limit is {PARTS_LIMIT:,}; clear "
            "its outputs and hand it in again"
        )
    try:
        content, end = _decoder().raw_decode(body)
    except (ValueError, RecursionError):
        content, end = None, 0
    found = _listed(content)
    rest = body[end:].strip()
    if found is not None and '"cell_type"' not in rest:
        if rest:
            notes.append(f"{len(rest):,} characters after the notebook's end were ignored.")
        return found
    saved = list(islice(_saved(body), most))
    if saved:
        notes.append(f"The file is damaged; whole cells that were saved: {len(saved)}.")
    return saved


def _decoder() -> json.JSONDecoder:
    """Return a decoder that drops outputs while parsing, and accepts long numbers and newlines."""
    return json.JSONDecoder(
        object_hook=lambda content: None if "output_type" in content else content,
        parse_int=float,
        strict=False,
    )


def _listed(content: object) -> list | None:
    if not isinstance(content, dict):
        return None
    if isinstance(content.get("cells"), list):
        return content["cells"]
    sheets = content.get("worksheets")  # nbformat 2 and 3
    if not isinstance(sheets, list):
        return None
    lists = [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)]
    return [cell for cells in lists if isinstance(cells, list) for cell in cells]


def _saved(text: str) -> Iterator[dict]:
    """Yield every whole cell of a damaged file."""
    decoder, place, failed = _decoder(), 0, 0
    while failed < ATTEMPTS and (opening := _OPENING.search(text, place)):
        place = opening.start() + 1
        try:
            content, end = decoder.raw_decode(text, opening.start())
        except (ValueError, RecursionError):
            failed += 1
            continue
        if isinstance(content, dict) and isinstance(content.get("cell_type"), str):
            yield content
            place = end
