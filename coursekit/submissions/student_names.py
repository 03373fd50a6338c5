"""Who handed in a file, told from its path: folders, flat names, Moodle's and Canvas' exports."""

import re
from collections.abc import Iterator
from dataclasses import replace

from coursekit.submissions.archives import is_archive
from coursekit.submissions.listing import Entry

LONGEST = 255  # characters that a file's name has outside of archives

_MOODLE = re.compile(r"(.+?)_(\d+)_assignsubmission_[a-z]+(?:_.*)?")
_CANVAS = re.compile(r"([^_]+)_(?:LATE_)?(\d+)_(\d{3,})_.+")
_FLAT = re.compile(r"(.+?)[ _-]+\d\d_[A-Za-z]\w*")
_TAIL = re.compile(r"(?:[ _-]?\(\d+\)|-\d{4}-\d\d-\d\d-\d{6}| - copy)$", re.IGNORECASE)
_SUFFIX = re.compile(r"(?:\.tar)?(?:\.\w{1,5}){1,2}$")


def named(entries: list[Entry]) -> list[Entry]:
    """The entries with their students, by student and path.

    Only what stands at the same depth for all names a student: whatever names a student has chosen
    for the files in a folder or archive, they are that student's.
    """
    tops: dict[str, list[Entry]] = {}
    for entry in entries:
        if len(entry.parts) > 1 or _counts(entry):
            tops.setdefault(entry.parts[0], []).append(entry)
    depths = {top: _class_depth(below, len(tops) == 1) for top, below in tops.items()}
    if not all(depths.values()):
        depths = dict.fromkeys(tops, 0)
    found = []
    for top, below in tops.items():
        for entry in below:
            rest = entry.parts[depths[top] :]
            if len(rest) > 1 or (rest and _counts(entry)):
                inside = len(rest) > 1 or entry.is_folder
                student, ids = _student(rest[0], inside and not is_archive(rest[0]))
                found.append(replace(entry, student=student, ids=ids))
    return sorted(_told_apart(found), key=lambda entry: (entry.student, entry.path))


def _counts(entry: Entry) -> bool:
    """Whether an entry is somebody's, even if it stands alone."""
    return bool(entry.is_folder or entry.fault or entry.matters or _exported(entry.parts[-1]))


def _student(name: str, is_folder: bool) -> tuple[str, dict[str, str]]:
    return _exported(name) or (name if is_folder else _flat(name[:LONGEST]), {})


def _exported(name: str) -> tuple[str, dict[str, str]] | None:
    """Name and id of the student in a name that Moodle or Canvas gave; None if neither did."""
    name = name[:LONGEST]
    if found := _MOODLE.fullmatch(name):
        return found[1], {"moodle": found[2]}
    if found := _CANVAS.fullmatch(name):
        return found[1], {"canvas": found[2]}
    return None


def _flat(name: str) -> str:
    """The student in a file's name such as anna_05_arl_fix.ipynb, student_03.ipynb, anna.zip."""
    stem = _SUFFIX.sub("", name) or name
    while (short := _TAIL.sub("", stem)) not in ("", stem):
        stem = short
    found = _FLAT.fullmatch(stem)
    return found[1] if found else stem


def _class_depth(entries: list[Entry], alone: bool) -> int:
    """How many parts at the start of these paths are of the class, and of no student's own."""
    below = [entry.parts for entry in entries if entry.matters]
    depth = 1
    while True:
        children = {entry.parts[depth] for entry in entries if len(entry.parts) > depth}
        if children and all(map(_exported, children)):
            return depth
        wrapped = below and all(len(parts) > depth + 1 for parts in below)
        if not (alone and wrapped and len({parts[depth] for parts in below}) == 1):
            break
        depth += 1  # one folder round all the others
    folders: dict[str, set[str]] = {}
    for parts in below:
        if len(parts) > depth + 1:
            folders.setdefault(parts[depth], set()).add(parts[-1])
    files = {name for each in folders.values() for name in each}
    shared = sum(map(len, folders.values())) > len(files)
    if not alone:
        return depth if shared and "exercises" not in folders else 0
    loose = {parts[depth] for parts in below if len(parts) == depth + 1}
    loose = {name for name in loose if not name[:2].isdigit() and not name.endswith(".py")}
    several = len(folders) > 1 and (shared or not all(name[:2].isdigit() for name in files))
    return depth if several or len(loose) > 1 else 0


def _told_apart(entries: list[Entry]) -> Iterator[Entry]:
    """Students of one name, of whom an export has two numbers, get these with their names."""
    numbers: dict[str, set[str]] = {}
    for entry in entries:
        numbers.setdefault(entry.student, set()).update(entry.ids.values())
    for entry in entries:
        if len(numbers[entry.student]) > 1 and entry.ids:
            (number,) = entry.ids.values()
            entry = replace(entry, student=f"{entry.student} ({number})")
        yield entry
