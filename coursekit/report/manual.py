"""manual.csv: answers that wait for the instructor, and the marks that the instructor gave.

One row for each free-text answer (kind ``words``) and each task whose points are held back (kind
``withheld``). The instructor fills ``points`` and, if wished, ``comment``; nothing else is needed.
A row is known by student, set, task and kind. A mark given for words that have changed since
counts, and is flagged until the instructor empties the cell ``flag``. No row, cell or column that
the instructor filled is ever dropped.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from coursekit.report import tables
from coursekit.report.text import as_points, visible

KEY = ("student", "set", "task", "kind")
COLUMNS = (*KEY, "words", "why", "of", "points", "comment", "flag", "version")
WORDS, WITHHELD = "words", "withheld"
CHANGED = "changed since it was marked; look again, then empty this cell"
GONE = "not among what was handed in now; the mark is kept, and counts for nothing"


@dataclass(frozen=True)
class Mark:
    """The instructor's points (None: not yet given), comment, and a flag ("" is none)."""

    points: float | None = None
    comment: str = ""
    flag: str = ""


@dataclass
class Marks:
    """The rows of manual.csv as they were read, and the rows that this grading asks for."""

    path: Path
    columns: tuple[str, ...] = COLUMNS
    delimiter: str = ","
    given: dict[tuple[str, ...], tuple[int, dict[str, str]]] = field(default_factory=dict)
    doubles: list[dict[str, str]] = field(default_factory=list)
    asked: dict[tuple[str, ...], dict[str, str]] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)

    def mark(
        self,
        student: str,
        set_name: str,
        task: str,
        kind: str,
        *,
        of: float,
        text: str,
        why: str = "",
    ) -> Mark:
        """Ask for a mark for words or a withheld answer; returns the mark given so far."""
        key = (visible(student).strip(), set_name, task, kind)
        row_number, row = self.given.get(key, (0, {}))
        version = "v" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        points = self._points(row_number, key, row.get("points", ""), of)
        filled = bool(row.get("points", "").strip())
        changed = (row.get("version") or version) != version or row.get("flag") == CHANGED
        flag = CHANGED if filled and changed else ""
        words = visible(text, lines=True) if kind == WORDS else ""
        ours = dict(zip(KEY, key, strict=True)) | {
            "student": visible(student),
            "words": words,
            "why": visible(why),
            "of": as_points(of),
            "points": row.get("points", ""),
            "comment": row.get("comment", ""),
            "flag": flag,
            "version": version,
        }
        self.asked[key] = row | ours
        return Mark(points, row.get("comment", ""), flag)

    def write(self) -> None:
        """Write manual.csv: the rows that are asked for, then marked rows that no longer are."""
        rows = [self.asked[key] for key in sorted(self.asked)]
        theirs = {"points", "comment", *self.columns} - ({*COLUMNS} - {"points", "comment"})
        for key, (_, row) in self.given.items():
            if key not in self.asked and any(row.get(column, "").strip() for column in theirs):
                rows.append(row | {"flag": GONE})
        tables.write(
            self.path, self.columns, rows + self.doubles, delimiter=self.delimiter, bom=True
        )

    def gone(self) -> Iterator[str]:
        """Yield one sentence per mark whose answer is gone."""
        for key, (k, row) in self.given.items():
            if key not in self.asked and row.get("points", "").strip():
                yield f"{_place(self.path, k, key)}: {GONE}"

    def _points(self, k: int, key: tuple[str, ...], text: str, of: float) -> float | None:
        text = text.strip()
        if not text:
            return None
        if re.fullmatch(r"[0-9]+([.,][0-9]+)?", text):
            points = float(text.replace(",", "."))
            if points <= of:
                return points
        self.troubles.append(
            f"{_place(self.path, k, key)}: {text[:40]!r} is no number from 0 to "
            f"{as_points(of)}; it counts for nothing until you mend it there"
        )
        return None


def read_marks(path: Path) -> Marks:
    """Read the marks of a manual.csv; none if there is no such file yet.

    Raises:
        ValueError: one sentence, if the file is no table of marks any more.
        OSError: if it cannot be read.
    """
    if not path.exists():
        return Marks(path)
    table = tables.read(path, (*KEY, "points"))
    extra = tuple(column for column in table.columns if column and column not in COLUMNS)
    marks = Marks(path, (*COLUMNS, *extra), table.delimiter)
    for k, row in table.rows:
        key = tuple(row[column].strip() for column in KEY)
        if key not in marks.given:
            marks.given[key] = (k, row)
            continue
        marks.doubles.append(row)
        first = marks.given[key][0]
        marks.troubles.append(
            f"{_place(path, k, key)}: row {first} is about the same, and counts; delete one"
        )
    return marks


def _place(path: Path, k: int, key: tuple[str, ...]) -> str:
    student, set_name, task, kind = (visible(part)[:60] for part in key)
    return f"{path.name}, row {k} ({student}, {set_name}/{task}, {kind})"
