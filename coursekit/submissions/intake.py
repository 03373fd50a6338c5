"""The files of a class: the notebooks of each student, and which of them counts for which set.

Submissions come in folders, zips and exports. Every student gets a row, even one without a
notebook. Files are read one at a time, links are not followed, and nothing is written. A file that
cannot be read costs only its own student.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from coursekit.checks.record import Record
from coursekit.submissions.archives import Refused
from coursekit.submissions.listing import Files, Listed, shown
from coursekit.submissions.matching import set_of
from coursekit.submissions.reading import SIZE_LIMIT, Reading, Unreadable, is_script, read_notebook
from coursekit.submissions.student_names import named

FILES = 100  # read per student
LARGE = 4  # times the size limit, for all files of one student
CHANGED = "the file changed while the class was graded; grade again with --resume"


@dataclass(frozen=True)
class Handed:
    """A file that may be a notebook; ``when`` is UTC, and ``ids`` are those of an export."""

    student: str
    path: str
    data: bytes
    when: str | None
    ids: dict[str, str]
    source: Listed


@dataclass(frozen=True)
class Unread:
    """A student's file that was not read, or a student without any, and the reason."""

    student: str
    path: str
    why: str
    ids: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """One file without its content: of a known set, or unreadable for a reason.

    ``source`` says where to read it again; it is None if there is nothing to read. ``untouched``
    says that every cell is still as it was given.
    """

    student: str
    path: str
    set: str | None = None
    why: str = ""
    sha256: str = ""
    when: str | None = None
    ids: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    source: Listed | None = None
    untouched: bool = False

    @property
    def key(self) -> tuple[str, str, str]:
        """The row in the results: a student's set, or a file of no known set."""
        return self.student, self.set or "", "" if self.set else self.path


def collect(folder: Path, size_limit: int = SIZE_LIMIT) -> Iterator[Handed | Unread]:
    """Yield all submitted files by student and path.

    Raises:
        ValueError: if there is no such folder.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder; give the one with the submissions in it")
    with Files(size_limit) as files:
        everything = named(list(files.below(folder)))
        for _, group in groupby(everything, key=lambda file: file.student):
            yield from _of_student(list(group), files, size_limit)


def survey(handed: Iterable[Handed | Unread], records: Mapping[str, Record]) -> list[Entry]:
    """Return every file in a fixed order; of a student's files of one set, only the latest.

    A file without any answer gives way to one with answers: in a copy of the whole course, an
    update can make the exercise itself the latest file.
    """
    kept: dict[tuple[str, str, str], Entry] = {}
    for file in handed:
        entry = _entry(file, records)
        other = kept.get(entry.key)
        if other is None:
            kept[entry.key] = entry
            continue
        older, newer = sorted(
            (other, entry), key=lambda entry: (not entry.untouched, entry.when or "", entry.path)
        )
        rule = (
            "it has no answers" if older.untouched > newer.untouched else "the latest file counts"
        )
        note = f"{older.path} is of the same set and was not graded: {rule}"
        kept[entry.key] = replace(newer, notes=(*older.notes, *newer.notes, note))
    return [entry for _, entry in sorted(kept.items())]


def readings(
    entries: Iterable[Entry], size_limit: int = SIZE_LIMIT
) -> Iterator[tuple[Entry, Reading]]:
    """Yield the entries of known sets with the cells of their files, one at a time.

    A file that is no longer as it was gives no cells, and its entry loses its hash, so that a
    resumed run grades it again.
    """
    with Files(size_limit) as files:
        for entry in entries:
            if entry.source is None:
                continue
            try:
                data = files.read(entry.source)
                if hashlib.sha256(data).hexdigest() != entry.sha256:
                    raise Refused("it changed")
                reading = read_notebook(data, entry.path)
            except (Refused, Unreadable):
                yield replace(entry, sha256=""), Reading((), (CHANGED,))
            else:
                yield entry, reading


def _of_student(listed: list[Listed], files: Files, limit: int) -> Iterator[Handed | Unread]:
    total, count, rows = 0, 0, False
    for file in listed:
        student, name = shown(file.student), file.parts[-1].lower()
        if file.is_folder or not file.matters:
            continue
        if count >= FILES or total > LARGE * limit:
            yield Unread(
                student,
                file.path,
                "too many or too large files of one student: this one and those "
                "after it were not read",
                file.ids,
            )
            return
        try:
            data = files.read(file)
        except Refused as error:
            rows = True
            yield Unread(student, file.path, f"the file was not read: {error}", file.ids)
            continue
        count, total = count + 1, total + len(data)
        if name.endswith(".py") and not is_script(data.replace(b"\0", b"").decode("latin-1")):
            continue
        rows = True
        yield Handed(student, file.path, data, _time(file.when), file.ids, file)
    if not rows:
        yield _without(listed)


def _without(listed: list[Listed]) -> Unread:
    """Return the row of a student without a notebook: the files, and why they do not count."""
    seen = [file for file in listed if not file.is_folder]
    has = [shown(file.parts[-1]) + f" ({file.fault})" * bool(file.fault) for file in seen[:3]]
    why = f"no notebook was handed in, only {', '.join(has)}" if has else "nothing was handed in"
    first = (seen or listed)[0]
    return Unread(shown(first.student), first.path, why, first.ids)


def _time(when: float | None) -> str | None:
    if when is None:
        return None
    try:
        return f"{datetime.fromtimestamp(int(when), UTC):%Y-%m-%dT%H:%M:%S}"
    except (ValueError, OverflowError, OSError):
        return None


def _entry(file: Handed | Unread, records: Mapping[str, Record]) -> Entry:
    if isinstance(file, Unread):
        return Entry(file.student, file.path, why=file.why, ids=file.ids)
    plain = Entry(
        file.student,
        file.path,
        sha256=hashlib.sha256(file.data).hexdigest(),
        when=file.when,
        ids=file.ids,
    )
    try:
        reading = read_notebook(file.data, file.path)
    except Unreadable as error:
        return replace(plain, why=str(error))
    name = set_of(reading.cells, file.path, records)
    if name is None:
        return replace(
            plain,
            why="it is no notebook of the sets that are graded here: none of its "
            "cells, headings or tasks is theirs",
        )
    given = {cell.source.strip() for cell in records[name].notebook}
    untouched = all(cell.source.strip() in given for cell in reading.cells)
    return replace(plain, set=name, source=file.source, untouched=untouched)
