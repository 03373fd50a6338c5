"""What a class handed in: the notebooks of each student, out of folders, zips and exports.

A row comes of every student, even of one without a notebook. Files are read one at a time, links
are not followed, and nothing is written. What cannot be read costs nobody else anything.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from coursekit.submissions.archives import Refused
from coursekit.submissions.listing import Entry, Files, shown
from coursekit.submissions.reading import SIZE_LIMIT, is_script
from coursekit.submissions.student_names import named

FILES = 100  # read of one student
LARGE = 4  # times the size limit, for all files of one student


@dataclass(frozen=True)
class Handed:
    """A file that may be a notebook; ``when`` is UTC, and ``ids`` are those of an export."""

    student: str
    path: str
    data: bytes
    when: str | None
    ids: dict[str, str]


@dataclass(frozen=True)
class Unread:
    """Why a student's file, or a student without one, gives nothing to grade."""

    student: str
    path: str
    why: str
    ids: dict[str, str] = field(default_factory=dict)


def collect(folder: Path, size_limit: int = SIZE_LIMIT) -> Iterator[Handed | Unread]:
    """All that was handed in, by student and path. Raises ValueError if there is no such folder."""
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder; give the one with the submissions in it")
    with Files(size_limit) as files:
        entries = named(list(files.below(folder)))
        for _, group in groupby(entries, key=lambda entry: entry.student):
            yield from _of_student(list(group), files, size_limit)


def _of_student(entries: list[Entry], files: Files, limit: int) -> Iterator[Handed | Unread]:
    total, count, rows = 0, 0, False
    for entry in entries:
        who, name = (shown(entry.student), entry.path), entry.parts[-1].lower()
        if entry.is_folder or not entry.matters:
            continue
        if count >= FILES or total > LARGE * limit:
            yield Unread(
                *who,
                "too many or too large files of one student: this one and those "
                "after it were not read",
                entry.ids,
            )
            return
        try:
            data = files.read(entry)
        except Refused as error:
            rows = True
            yield Unread(*who, f"the file was not read: {error}", entry.ids)
            continue
        count, total = count + 1, total + len(data)
        if name.endswith(".py") and not is_script(data.replace(b"\0", b"").decode("latin-1")):
            continue
        rows = True
        yield Handed(*who, data, _time(entry.when), entry.ids)
    if not rows:
        yield _without(entries)


def _without(entries: list[Entry]) -> Unread:
    """The row of a student with no notebook: what there is, and why it does not count."""
    seen = [entry for entry in entries if not entry.is_folder]
    has = [shown(each.parts[-1]) + f" ({each.fault})" * bool(each.fault) for each in seen[:3]]
    why = f"no notebook was handed in, only {', '.join(has)}" if has else "nothing was handed in"
    first = (seen or entries)[0]
    return Unread(shown(first.student), first.path, why, first.ids)


def _time(when: float | None) -> str | None:
    if when is None:
        return None
    try:
        return f"{datetime.fromtimestamp(int(when), UTC):%Y-%m-%dT%H:%M:%S}"
    except (ValueError, OverflowError, OSError):
        return None
