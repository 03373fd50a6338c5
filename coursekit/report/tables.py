"""CSV that spreadsheets may open: written so that no cell is a formula, read as they leave it."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from coursekit.files import write_whole

BOM = "\ufeff"  # without it Excel takes UTF-8 for another encoding

_FORMULA = "=+-@\t\r＝＋－＠"


def guarded(text: str) -> str:
    """Return a cell that no spreadsheet computes: an apostrophe stands before a formula's start.

    A text that begins with an apostrophe gets one more, so that `plain` finds the text again.
    """
    return "'" + text if text.lstrip(" \n")[:1] in (*_FORMULA, "'") else text


def plain(cell: str) -> str:
    """Return the text of a guarded cell."""
    return cell[1:] if cell.startswith("'") and guarded(cell[1:]) == cell else cell


def write(
    path: Path,
    columns: Sequence[str],
    rows: Iterable[Mapping[str, object]],
    *,
    delimiter: str = ",",
    bom: bool = False,
) -> None:
    """Write a table whole. Texts are guarded; numbers stay numbers. Raises OSError as `whole`."""
    sheet = io.StringIO()
    lines = csv.writer(sheet, delimiter=delimiter, lineterminator="\r\n")
    lines.writerow([guarded(column) for column in columns])
    for row in rows:
        values = (row.get(column, "") for column in columns)
        lines.writerow([guarded(v) if isinstance(v, str) else v for v in values])
    write_whole(path, BOM * bom + sheet.getvalue())


@dataclass(frozen=True)
class Table:
    """A CSV file: its columns, its rows (row 2 is the first), its delimiter."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[tuple[int, dict[str, str]], ...]
    delimiter: str


def read(path: Path, needed: Sequence[str]) -> Table:
    """Read an edited file, by comma, semicolon or tab, in UTF-8, UTF-16 or Windows' own encoding.

    Raises:
        ValueError: one sentence, if the file is no such table or lacks a needed column.
        OSError: if it cannot be read.
    """
    text = _decoded(path.read_bytes()).removeprefix(BOM)
    head = text.splitlines()[0] if text.strip() else ""
    delimiter = max(",;\t", key=head.count)
    try:
        sheet = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise ValueError(f"{path} is no CSV table: {error}") from None
    columns = [plain(cell).strip() for cell in sheet[0]] if sheet else []
    missing = [column for column in needed if column not in columns]
    if missing or len(set(columns)) < len(columns):
        what = f"lacks the column {', '.join(missing)}" if missing else "has a column twice"
        raise ValueError(
            f"{path} {what}; its first row must name {', '.join(needed)}, and has "
            f"{', '.join(map(repr, columns)) or 'nothing'}"
        )
    rows = []
    for k, cells in enumerate(sheet[1:], 2):
        if any(cell.strip() for cell in cells):
            filled = cells + [""] * (len(columns) - len(cells))
            rows.append((k, {c: plain(v) for c, v in zip(columns, filled, strict=False)}))
            if "".join(cells[len(columns) :]).strip():
                raise ValueError(
                    f"{path}, row {k}: {len(cells)} cells under {len(columns)} columns; put text "
                    "that holds the delimiter between quotation marks"
                )
    return Table(path, tuple(columns), tuple(rows), delimiter)


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")
