"""Archives as students hand them in: opened with limits, never unpacked to disk."""

import gzip
import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import IO, BinaryIO, Protocol

ENTRIES = 50_000  # files in one archive
SUFFIXES = (".zip", ".tar.gz", ".tgz", ".tar")
GZIP = b"\x1f\x8b"


class Readable(Protocol):
    """Anything with bytes to read: a file, or a member of an archive."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes."""


class Refused(ValueError):
    """Raised when a file or an archive is refused; the message completes a sentence."""


@dataclass(frozen=True)
class Member:
    """One entry of an archive."""

    name: str
    size: int
    when: float | None  # seconds since 1970
    is_folder: bool
    fault: str  # the reason why it is not read; empty if it may be


class Archive:
    """A zip or tar file that is read member by member. Raises Refused for any other file."""

    def __init__(self, file: BinaryIO, limit: int) -> None:
        self._file, self._limit = file, limit
        self._opened: tarfile.TarFile | zipfile.ZipFile
        self._open: Callable[[int], IO[bytes] | None]
        try:
            start = file.read(512)
            file.seek(0)
            if start[:2] == GZIP or start[257:262] == b"ustar":
                self._opened = tar = _tar(file, limit)
                parts = list(islice(tar, ENTRIES))
                self.members = [_of_tar(part) for part in parts]
                self._open = lambda k: tar.extractfile(parts[k])
            else:
                _count(file)
                self._opened = zipped = zipfile.ZipFile(file)
                infos = zipped.infolist()
                self.members = [_of_zip(info) for info in infos]
                self._open = lambda k: zipped.open(infos[k])
        except Refused:
            file.close()
            raise
        except Exception as error:  # a broken file makes these modules raise anything
            file.close()
            raise Refused(f"it does not open as an archive ({type(error).__name__})") from None

    def read(self, k: int) -> bytes:
        """Return the bytes of member k. Raises Refused if they are too many, or damaged."""
        if self.members[k].fault:
            raise Refused(self.members[k].fault)
        try:
            stream = self._open(k)
            if stream is None:
                raise Refused("it is a folder, and no file")
            with stream:
                return limited(stream, self._limit)
        except Refused:
            raise
        except Exception as error:
            raise Refused(f"it is damaged in its archive ({type(error).__name__})") from None

    def close(self) -> None:
        """Close the archive, and the file under it."""
        self._opened.close()
        self._file.close()


def limited(stream: Readable, limit: int) -> bytes:
    """Return all bytes of a stream. Raises Refused if there are more than ``limit``."""
    data = stream.read(limit + 1)
    if len(data) > limit:
        raise Refused(f"it is larger than {limit:,} bytes; clear the notebook's outputs")
    return data


def is_archive(name: str) -> bool:
    """Return True if the name is that of an archive."""
    return name.lower().endswith(SUFFIXES)


def _tar(file: BinaryIO, limit: int) -> tarfile.TarFile:
    """Unpack into memory as a whole, with the same limit: gzip has no way to look ahead."""
    data = limited(file, limit)
    if data[:2] == GZIP:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            data = limited(stream, limit)
    return tarfile.open(fileobj=io.BytesIO(data), mode="r:")


def _count(file: BinaryIO) -> None:
    """Refuse a zip whose list of contents would fill the memory."""
    entries = 0
    while chunk := file.read(1 << 20):
        entries += chunk.count(b"PK\1\2")
        if entries > ENTRIES:
            raise Refused(f"it has more than {ENTRIES:,} entries")
    file.seek(0)


def _of_zip(info: zipfile.ZipInfo) -> Member:
    mode = info.external_attr >> 16
    try:
        when = datetime(*info.date_time).timestamp()
    except (ValueError, OverflowError, OSError):
        when = None
    fault = ""
    if info.flag_bits & 1:
        fault = "it is encrypted; hand it in without a password"
    elif stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        fault = "it is a link or a device, and no file"
    return Member(info.filename, info.file_size, when, info.is_dir(), fault)


def _of_tar(info: tarfile.TarInfo) -> Member:
    plain = info.isreg() or info.isdir()
    fault = "" if plain else "it is a link or a device, and no file"
    return Member(info.name, info.size, float(info.mtime), info.isdir(), fault)
