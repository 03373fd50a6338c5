"""Write files whole or not at all, under names that are valid on every system."""

import hashlib
import os
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

NAME_LIMIT = 100  # bytes, of the 255 that file systems take: several parts fit in one name

_PORTS = {f"{port}{k}" for port in ("com", "lpt") for k in "123456789"}
_RESERVED = {"con", "prn", "aux", "nul", *_PORTS}  # on Windows, whatever ending follows


@contextmanager
def whole(path: Path) -> Iterator[TextIO]:
    """Open a UTF-8 text file that takes ``path``'s place when the block ends, or never.

    At every moment the old file or the new one is there. Line ends are written as they are given.

    Raises:
        OSError: one sentence, if it cannot be written; the old file is then as it was.
    """
    with _part(path) as part, open(part, "w", encoding="utf-8", newline="") as file:
        yield file


def write_whole(path: Path, content: str) -> None:
    """Replace ``path`` by a text. Raises OSError as `whole` does."""
    with whole(path) as file:
        file.write(content)


def write_bytes(path: Path, content: bytes) -> None:
    """Replace ``path`` by bytes. Raises OSError as `whole` does."""
    with _part(path) as part:
        part.write_bytes(content)


@contextmanager
def _part(path: Path) -> Iterator[Path]:
    """Give the path of a file that takes ``path``'s place when the block ends."""
    part = path.with_name(path.name + ".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        os.replace(part, path)
    except BaseException as error:
        with suppress(OSError):  # on a disk that takes no change, there is nothing to take away
            part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise OSError(
                f"{path} could not be written ({error.strerror or error}); close it where it is "
                "open, make room, or give another folder"
            ) from None
        raise


def safe_name(text: str) -> str:
    """Return a part of a file name for this text that is valid on Linux, macOS and Windows.

    A text that is not such a name itself, or is too long, gets the first digits of its SHA-256. So
    two texts that look alike without their odd characters keep two names.
    """
    composed = unicodedata.normalize("NFC", text)
    kept = (
        "".join(c if c.isalnum() or c in "-_. " else "_" for c in composed)
        .lstrip("-. ")
        .rstrip(". ")
    )
    clipped = kept.encode("utf-8")[:NAME_LIMIT].decode("utf-8", errors="ignore")
    reserved = clipped.split(".")[0].rstrip().casefold() in _RESERVED
    if clipped and clipped == text and not reserved:
        return clipped
    digest = hashlib.sha256(text.encode("utf-8", errors="surrogatepass")).hexdigest()[:8]
    room = clipped.encode("utf-8")[: NAME_LIMIT - 10].decode("utf-8", errors="ignore")
    return f"{room}-{digest}" if room and not reserved else f"_{room}-{digest}"
