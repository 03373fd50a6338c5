"""Every file under a folder, and in the archives there, read one at a time.

Links are not followed, devices are not opened, and nothing is written.
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
COURSE = {"solutions", "course", "coursekit", "tests"}  # beside exercises/: not a student's


@dataclass(frozen=True)
class Listed:
    """A file or folder that was seen: its path, with the archives on it, and where to read it."""

    parts: tuple[str, ...]
    file: Path | None = None  # the file on disk, or the outermost archive
    members: tuple[int, ...] = ()  # the number of the member in each archive, outermost first
    when: float | None = None
    is_folder: bool = False
    fault: str = ""
    student: str = ""
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The path on one line."""
        return shown("/".join(self.parts))

    @property
    def matters(self) -> bool:
        """True if it may hold a notebook, by its name."""
        name = self.parts[-1]
        return name.lower().endswith(NOTEBOOKS) or (bool(self.fault) and is_archive(name))


class Files:
    """Lists and reads the files under a folder; keeps the last archives open."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: dict[tuple[Path, tuple[int, ...]], Archive] = {}

    def __enter__(self) -> "Files":
        return self

    def __exit__(self, *_: object) -> None:
        with ExitStack() as stack:
            for archive in self._open.values():
                stack.callback(archive.close)

    def below(self, folder: Path, parts: tuple[str, ...] = ()) -> Iterator[Listed]:
        """Yield all files and folders in a folder, and in the folders and archives there."""
        try:
            with os.scandir(folder) as found:
                items = sorted(found, key=lambda item: item.name)
        except OSError as error:
            if not parts:
                raise ValueError(f"{folder} does not open: {error.strerror}") from None
            yield Listed(parts, fault=f"the folder does not open ({type(error).__name__})")
            return
        names = {item.name for item in items}
        for item in items:
            here, path = (*parts, item.name), Path(item.path)
            if _ignored(here, "exercises" in names):
                continue
            if item.is_symlink() or not (item.is_file() or item.is_dir()):
                yield Listed(here, fault="it is a link or a device, and no file")
            elif item.is_file():
                yield from self._file(Listed(here, path, when=item.stat().st_mtime))
            elif len(here) > DEPTH:
                yield Listed(here, fault=f"folders are nested more than {DEPTH} deep")
            else:
                yield Listed(here, is_folder=True)
                yield from self.below(path, here)

    def read(self, listed: Listed) -> bytes:
        """Return the bytes of a file. Raises Refused."""
        if listed.fault or listed.file is None:
            raise Refused(listed.fault or "it is a folder, and no file")
        if listed.members:
            return self._archive(listed.file, listed.members[:-1]).read(listed.members[-1])
        with _opened(listed.file) as file:
            return limited(file, self._limit)

    def _file(self, listed: Listed) -> Iterator[Listed]:
        """Yield a file; of an archive, its members too."""
        if listed.fault or listed.file is None or not is_archive(listed.parts[-1]):
            yield listed
            return
        try:
            if len(listed.members) >= NESTED:
                raise Refused(f"archives are nested more than {NESTED} deep")
            members = self._archive(listed.file, listed.members).members
        except Refused as error:
            yield replace(listed, fault=str(error))
            return
        yield replace(listed, is_folder=True)
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
                listed,
                parts=(*listed.parts, *name),
                members=(*listed.members, k),
                when=member.when,
                is_folder=member.is_folder,
                fault=fault,
            )
            yield from self._file(inside)

    def _archive(self, file: Path, members: tuple[int, ...]) -> Archive:
        """Return the archive in ``file`` that these members lead to; the last few stay open."""
        key = file, members
        if key in self._open:
            self._open[key] = self._open.pop(key)
        else:
            stream: BinaryIO
            if members:
                stream = BytesIO(self._archive(file, members[:-1]).read(members[-1]))
            else:
                stream = _opened(file)
            while len(self._open) >= NESTED:
                self._open.pop(next(iter(self._open))).close()
            self._open[key] = Archive(stream, self._limit)
        return self._open[key]


def _opened(path: Path) -> BinaryIO:
    """Open a file for reading; never a link or a device, even if it has just become one."""
    flags = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK"))
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
    """Return True for files that a program or the course made: they were not handed in."""
    name = parts[-1]
    return (
        name.startswith((".", "__MACOSX"))
        or name.endswith("-checkpoint.ipynb")
        or parts[-2:] in (("mine", "kept"), ("mine", "hand_in"))
        or (in_course and name in {*COURSE, taught_package()})
    )


def shown(text: str) -> str:
    """Return a name as one line of text, with newlines, direction marks and the like escaped.

    Backslashes are escaped as well, so that two names never become one.
    """
    return "".join(
        c if c.isprintable() and c != "\\" else c.encode("unicode_escape").decode("ascii")
        for c in text
    )
