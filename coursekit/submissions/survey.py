"""What was handed in: which file counts for which student and set, before anything is run."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from coursekit.checks.record import Record
from coursekit.submissions.collect import Handed, Unread
from coursekit.submissions.matching import recognise
from coursekit.submissions.reading import Reading, Unreadable, read_notebook


@dataclass(frozen=True)
class Entry:
    """One file, without its content: of a known set, or unreadable for a reason."""

    student: str
    path: str
    set: str | None = None
    why: str = ""
    sha256: str = ""
    when: str | None = None
    ids: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str, str]:
        """What is one row in the results: a student's set, or a file of no known set."""
        return self.student, self.set or "", "" if self.set else self.path


def survey(handed: Iterable[Handed | Unread], givens: Mapping[str, Record]) -> list[Entry]:
    """Every file, the latest of each student and set only, in an order that is always the same."""
    kept: dict[tuple[str, str, str], Entry] = {}
    for each in handed:
        entry = _entry(each, givens)
        other = kept.get(entry.key)
        if other is None:
            kept[entry.key] = entry
            continue
        older, newer = sorted((other, entry), key=lambda e: (e.when or "", e.path))
        note = f"{older.path} is of the same set and was not graded: the latest file counts"
        kept[entry.key] = replace(newer, notes=(*older.notes, *newer.notes, note))
    found = {(entry.student, entry.set) for entry in kept.values()}
    return [
        entry
        for key, entry in sorted(kept.items())
        if entry.set or entry.why or (entry.student, entry.set) in found
    ]


def contents(
    handed: Iterable[Handed | Unread], entries: Iterable[Entry]
) -> Iterator[tuple[Entry, Reading]]:
    """The entries with the cells of their files, one at a time."""
    wanted = {(entry.student, entry.path): entry for entry in entries}
    for each in handed:
        if isinstance(each, Handed) and (each.student, each.path) in wanted:
            yield wanted[each.student, each.path], read_notebook(each.data, each.path)


def _entry(each: Handed | Unread, givens: Mapping[str, Record]) -> Entry:
    if isinstance(each, Unread):
        return Entry(each.student, each.path, why=each.why, ids=each.ids)
    plain = Entry(
        each.student,
        each.path,
        sha256=hashlib.sha256(each.data).hexdigest(),
        when=each.when,
        ids=each.ids,
    )
    try:
        reading = read_notebook(each.data, each.path)
    except Unreadable as error:
        return replace(plain, why=str(error))
    name = recognise(reading.cells, each.path, givens)
    if name is None:
        return replace(
            plain,
            why="it is no notebook of the sets that are graded here: none of its "
            "cells, headings or tasks is theirs",
        )
    return replace(plain, set=name)
