"""Every file that lies under a folder, and in the archives there; read one at a time.

Links are not followed, devices not opened, nothing is written.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from coursekit.course import taught_package
from coursekit.submissions.archives import Archive, Refused, is_archive, limited

NOTEBOOKS = (".ipynb", ".ipynb.txt", ".ipynb.json", ".py")
DEPTH = 8  # folders within each other
NESTED = 3  # archives within each other
COURSE = {"solutions", "course", "coursekit", "tests"}  # beside exercises/, they are no student's


@dataclass(frozen=True)
class Entry:
    """A file that was seen: its path, archives on it included, and how to get at it."""

    parts: tuple[str, ...]
    steps: tuple[Path | int, ...] = ()  # a file, then the number of a member in each archive
    when: float | None = None
    is_folder: bool = False
    fault: str = ""
    student: str = ""
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Its path on one line."""
        return shown("/".join(self.parts))

    @property
    def matters(self) -> bool:
        """Whether it may hold a notebook, by its name."""
        name = self.parts[-1]
        return name.lower().endswith(NOTEBOOKS) or (bool(self.fault) and is_archive(name))


class Files:
    """Lists and reads what lies under a folder; keeps the last archives open."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: dict[tuple, Archive] = {}

    def __enter__(self) -> "Files":
        return self

    def __exit__(self, *_: object) -> None:
        with ExitStack() as stack:
            for archive in self._open.values():
                stack.callback(archive.close)

    def below(self, folder: Path, parts: tuple[str, ...] = ()) -> Iterator[Entry]:
        """Every entry of a folder, and of the folders and archives in it."""
        try:
            with os.scandir(folder) as found:
                items = sorted(found, key=lambda item: item.name)
        except OSError as error:
            if not parts:
                raise ValueError(f"{folder} does not open: {error.strerror}") from None
            yield Entry(parts, fault=f"the folder does not open ({type(error).__name__})")
            return
        names = {item.name for item in items}
        for item in items:
            here, path = (*parts, item.name), Path(item.path)
            if _ignored(here, "exercises" in names):
                continue
            if item.is_symlink() or not (item.is_file() or item.is_dir()):
                yield Entry(here, fault="it is a link or a device, and no file")
            elif item.is_file():
                yield from self._file(Entry(here, (path,), item.stat().st_mtime))
            elif len(here) > DEPTH:
                yield Entry(here, fault=f"folders are nested more than {DEPTH} deep")
            else:
                yield Entry(here, is_folder=True)
                yield from self.below(path, here)

    def read(self, entry: Entry) -> bytes:
        """The bytes of a file. Raises Refused."""
        if entry.fault:
            raise Refused(entry.fault)
        if len(entry.steps) > 1:
            return self._archive(entry.steps[:-1]).read(entry.steps[-1])
        with _opened(entry.steps[0]) as file:
            return limited(file, self._limit)

    def _file(self, entry: Entry) -> Iterator[Entry]:
        """A file, or what is in it if it is an archive."""
        if entry.fault or not is_archive(entry.parts[-1]):
            yield entry
            return
        try:
            if len(entry.steps) > NESTED:
                raise Refused(f"archives are nested more than {NESTED} deep")
            members = self._archive(entry.steps).members
        except Refused as error:
            yield replace(entry, fault=str(error))
            return
        yield replace(entry, is_folder=True)
        names = [tuple(member.name.replace("\\", "/").strip("/").split("/")) for member in members]
        homes = {
            name[:k] for name in names for k, part in enumerate(name[:DEPTH]) if part == "exercises"
        }
        for k, (member, name) in enumerate(zip(members, names, strict=True)):
            fault = member.fault
            if ".." in name or member.name.startswith(("/", "\\")) or ":" in name[0]:
                name, fault = name[-1:], "its name leads out of its archive"
            elif len(name) > DEPTH:
                name, fault = (name[0], name[-1]), f"folders are nested more than {DEPTH} deep"
            if any(_ignored(name[: j + 1], name[:j] in homes) for j in range(len(name))):
                continue
            inside = replace(
                entry,
                parts=(*entry.parts, *name),
                steps=(*entry.steps, k),
                when=member.when,
                is_folder=member.is_folder,
                fault=fault,
            )
            yield from self._file(inside)

    def _archive(self, steps: tuple) -> Archive:
        """The archive that these steps lead to; the last few stay open."""
        if steps in self._open:
            self._open[steps] = self._open.pop(steps)
        else:
            if len(steps) == 1:
                file = _opened(steps[0])
            else:
                file = BytesIO(self._archive(steps[:-1]).read(steps[-1]))
            while len(self._open) >= NESTED:
                self._open.pop(next(iter(self._open))).close()
            self._open[steps] = Archive(file, self._limit)
        return self._open[steps]


def _opened(path: Path) -> BinaryIO:
    """A file open for reading; never a link or a device, even if it has just become one."""
    flags = os.O_RDONLY | sum(getattr(os, each, 0) for each in ("O_NOFOLLOW", "O_NONBLOCK"))
    flags |= getattr(os, "O_BINARY", 0)
    try:
        file = os.fdopen(os.open(path, flags), "rb")
    except OSError as error:
        raise Refused(f"it does not open ({type(error).__name__})") from None
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise Refused("it is a link or a device, and no file")
    return file


def _ignored(parts: tuple[str, ...], in_course: bool) -> bool:
    """Whether a program made this, or the course: none of it was handed in."""
    name = parts[-1]
    return (
        name.startswith((".", "__MACOSX"))
        or name.endswith("-checkpoint.ipynb")
        or parts[-2:] in (("mine", "kept"), ("mine", "hand_in"))
        or (in_course and name in {*COURSE, taught_package()})
    )


def shown(text: str) -> str:
    """A name as one line of text: newlines, marks that turn the writing, and the like escaped.

    Backslashes are too: two names never become one.
    """
    return "".join(
        c if c.isprintable() and c != "\\" else c.encode("unicode_escape").decode("ascii")
        for c in text
    )
