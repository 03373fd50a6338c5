"""The student who handed in a file, by its path: folders, flat names, Moodle and Canvas exports."""

import re
from collections.abc import Iterator
from dataclasses import replace

from coursekit.submissions.archives import is_archive
from coursekit.submissions.listing import Listed

LONGEST = 255  # characters that a file's name has outside of archives

_MOODLE = re.compile(r"(.+?)_(\d+)_assignsubmission_[a-z]+(?:_.*)?")
_CANVAS = re.compile(r"([^_]+)_(?:LATE_)?(\d+)_(\d{3,})_.+")
_FLAT = re.compile(r"(.+?)[ _-]+\d\d_[A-Za-z]\w*")
_TAIL = re.compile(r"(?:[ _-]?\(\d+\)|-\d{4}-\d\d-\d\d-\d{6}| - copy)$", re.IGNORECASE)
_SUFFIX = re.compile(r"(?:\.tar)?(?:\.\w{1,5}){1,2}$")


def named(files: list[Listed]) -> list[Listed]:
    """Return the files with their students, sorted by student and path.

    The part of a path at one depth, the same for the whole class, names the student. Files below
    it belong to that student, whatever their names.
    """
    tops: dict[str, list[Listed]] = {}
    for file in files:
        if len(file.parts) > 1 or _counts(file):
            tops.setdefault(file.parts[0], []).append(file)
    depths = {top: _class_depth(below, len(tops) == 1) for top, below in tops.items()}
    if not all(depths.values()):
        depths = dict.fromkeys(tops, 0)
    found = []
    for top, below in tops.items():
        for file in below:
            rest = file.parts[depths[top] :]
            if len(rest) > 1 or (rest and _counts(file)):
                inside = len(rest) > 1 or file.is_folder
                student, ids = _student(rest[0], inside and not is_archive(rest[0]))
                found.append(replace(file, student=student, ids=ids))
    return sorted(_told_apart(found), key=lambda file: (file.student, file.path))


def _counts(file: Listed) -> bool:
    """Return True if a file is a student's even if it stands alone."""
    return bool(file.is_folder or file.fault or file.matters or _exported(file.parts[-1]))


def _student(name: str, is_folder: bool) -> tuple[str, dict[str, str]]:
    return _exported(name) or (name if is_folder else _flat(name[:LONGEST]), {})


def _exported(name: str) -> tuple[str, dict[str, str]] | None:
    """Return the student's name and id from a name that Moodle or Canvas gave, else None."""
    name = name[:LONGEST]
    if found := _MOODLE.fullmatch(name):
        return found[1], {"moodle": found[2]}
    if found := _CANVAS.fullmatch(name):
        return found[1], {"canvas": found[2]}
    return None


def _flat(name: str) -> str:
    """Return the student in a name such as anna_05_arl_fix.ipynb, student_03.ipynb, anna.zip."""
    stem = _SUFFIX.sub("", name) or name
    while (short := _TAIL.sub("", stem)) not in ("", stem):
        stem = short
    found = _FLAT.fullmatch(stem)
    return found[1] if found else stem


def _class_depth(files: list[Listed], alone: bool) -> int:
    """Return how many parts at the start of these paths belong to the class, not to a student."""
    below = [file.parts for file in files if file.matters]
    depth = 1
    while True:
        children = {file.parts[depth] for file in files if len(file.parts) > depth}
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
    inner = {name for names in folders.values() for name in names}
    shared = sum(map(len, folders.values())) > len(inner)
    if not alone:
        return depth if shared and "exercises" not in folders else 0
    loose = {parts[depth] for parts in below if len(parts) == depth + 1}
    loose = {name for name in loose if not name[:2].isdigit() and not name.endswith(".py")}
    several = len(folders) > 1 and (shared or not all(name[:2].isdigit() for name in inner))
    return depth if several or len(loose) > 1 else 0


def _told_apart(files: list[Listed]) -> Iterator[Listed]:
    """Add the export's number to the names of students who share one name."""
    numbers: dict[str, set[str]] = {}
    for file in files:
        numbers.setdefault(file.student, set()).update(file.ids.values())
    for file in files:
        if len(numbers[file.student]) > 1 and file.ids:
            (number,) = file.ids.values()
            file = replace(file, student=f"{file.student} ({number})")
        yield file
