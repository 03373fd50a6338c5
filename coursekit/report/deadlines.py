"""deadlines.csv: the time when each set was due, and the days that each submission came late.

Columns: ``set`` (05_arl_fix, or its number), ``deadline`` (ISO 8601), and if there are extensions
``student``: a row that names one holds for this student instead. A time without a zone is UTC; a
date without a time means the whole of that day. Late days are shown, and cost no points.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from coursekit.report import tables
from coursekit.report.text import visible

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Deadlines:
    """Deadlines by set and student ("" is everybody), their rows, and what is wrong with them."""

    times: dict[tuple[str, str], datetime] = field(default_factory=dict)
    rows: dict[tuple[str, str], int] = field(default_factory=dict)
    troubles: tuple[str, ...] = ()

    def late(self, student: str, set_name: str | None, when: str | None) -> int | None:
        """Return whole days after the deadline, rounded up; None without a deadline or a time."""
        due = self.due(student, set_name)
        if due is None or not when:
            return None
        return max(0, -((due - _utc(datetime.fromisoformat(when))) // DAY))

    def due(self, student: str, set_name: str | None) -> datetime | None:
        """Return the deadline of a set for a student; None if there is none."""
        for who in (visible(student), ""):
            if set_name is not None and (set_name, who) in self.times:
                return self.times[set_name, who]
        return None

    def strangers(self, students: set[str]) -> list[str]:
        """Return one sentence per extension of a student who is not in the class."""
        known = {visible(student) for student in students}
        return [
            f"deadlines, row {self.rows[name, who]}: nobody called {who!r} handed anything in"
            for name, who in self.times
            if who and who not in known
        ]


def read_deadlines(path: Path | None, sets: Iterable[str]) -> Deadlines:
    """Read the deadlines of these sets; none without a file.

    Raises:
        ValueError: one sentence with the row, for a time that is none or a deadline given twice.
        OSError: if it cannot be read.
    """
    if path is None:
        return Deadlines()
    names = list(sets)
    times: dict[tuple[str, str], datetime] = {}
    rows: dict[tuple[str, str], int] = {}
    troubles = []
    for k, row in tables.read(path, ("set", "deadline")).rows:
        asked, who = row["set"].strip(), row.get("student", "").strip()
        name = next((name for name in names if _means(asked, name)), None)
        due = _time(path, k, row["deadline"].strip())
        if name is None:
            troubles.append(f"deadlines, row {k}: no set {visible(asked)!r} was graded here")
        elif (name, who) in times:
            raise ValueError(
                f"{path}, row {k}: {name} has a deadline {'for ' + who if who else ''} in row "
                f"{rows[name, who]} already; keep one of them"
            )
        else:
            times[name, who], rows[name, who] = due, k
    return Deadlines(times, rows, tuple(troubles))


def _means(asked: str, name: str) -> bool:
    return asked == name or (asked.isdigit() and name.split("_")[0] == asked.zfill(2))


def _time(path: Path, row: int, text: str) -> datetime:
    try:
        due = datetime.fromisoformat(text)
        return _utc(due + DAY if len(text) <= len("2026-11-02") else due)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{path}, row {row}: {text!r} is no time; write it as 2026-11-02T23:59, with +01:00 "
            "behind it where it is not UTC, or as 2026-11-02 for the whole day"
        ) from None


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
