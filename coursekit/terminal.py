"""Colour and progress for a person at a terminal; plain text wherever nobody watches."""

import os
import shutil
from types import TracebackType
from typing import TextIO

COLOURS = {"red": 31, "green": 32, "yellow": 33, "grey": 90, "bold": 1}


def paint(text: str, colour: str, stream: TextIO) -> str:
    """Return a text in a colour, if the stream shows colours. Never the only sign of anything."""
    return f"\033[{COLOURS[colour]}m{text}\033[0m" if text and colours(stream) else text


def colours(stream: TextIO) -> bool:
    """Return True for a terminal, unless NO_COLOR is set or the terminal calls itself dumb."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def sign(good: bool | None, stream: TextIO) -> str:
    """Return a sign for right, wrong, or neither; plain letters where the stream has no others."""
    signs = {True: "\N{CHECK MARK}", False: "\N{BALLOT X}", None: "-"}
    try:
        signs[good].encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return {True: "+", False: "x", None: "-"}[good]
    return signs[good]


class Progress:
    """One line at the foot of a terminal that says what is being done; nothing elsewhere."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.say("")

    def say(self, text: str) -> None:
        """Replace the line by another; an empty one takes it away."""
        if self._stream.isatty():
            width = shutil.get_terminal_size().columns - 1
            self._stream.write(f"\r\033[K{text[:width]}")
            self._stream.flush()
