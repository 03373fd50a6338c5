"""What a check shows to a student: the verdict first, then the known mistake, then what differs.

Signs say the same as colours. Passing lines are counted, and their labels folded away with the
values that can be read; long values are fingerprints, which only the comparison needs.
"""

import html
import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

RIGHT, WRONG, NOTE = "\N{CHECK MARK}", "\N{BALLOT X}", "!"
FOLDED = 240  # characters, of what differs in one line; the rest is folded away
BRIEF = 40  # characters of a value that is shown although it is right
WIDTH = 88  # columns of plain text

_COLOURS = {
    RIGHT: "var(--jp-success-color0, #2e7d32)",
    WRONG: "var(--jp-error-color0, #c62828)",
    NOTE: "var(--jp-warn-color0, #b26a00)",
}
_ARRAY = re.compile(r"\w+ (?:tensor|array) \([\d, ]*\)")


@dataclass(frozen=True)
class Line:
    """One call of a check: its label, whether it agrees, and the words beside it."""

    label: str
    agrees: bool
    says: str
    trouble: tuple[str, ...] = ()  # a short traceback


@dataclass(frozen=True)
class Panel:
    """All that one check cell shows; ``points`` is None while it runs."""

    cell: str
    points: int | None
    of: int
    lines: tuple[Line, ...]
    mistakes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def verdict(self) -> tuple[str, str]:
        """The sign and the words of the verdict."""
        if self.points is None:
            return "", f"{self.cell}: running, {len(self.lines)} calls checked"
        sign = RIGHT if self.points == self.of else WRONG
        return sign, f"{self.cell}: {self.points} of {self.of} points"

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """Yield a sign, a text, and what can be folded away, for each thing below the verdict."""
        if self.mistakes:
            yield WRONG, f"A known mistake: {', or: '.join(self.mistakes)}", ""
        for warning in self.warnings:
            yield NOTE, warning, ""
        for line in self.lines:
            if not line.agrees:
                said = f"{line.label}: {line.says}"
                yield WRONG, said[:FOLDED], said[FOLDED:]
                yield from (("", each, "") for each in line.trouble)
        passed = [line for line in self.lines if line.agrees]
        if passed:
            labels = [f"{line.label}{line.says and f' ({line.says})'}" for line in passed]
            count = f"{len(passed)} calls agree" if len(passed) > 1 else "1 call agrees"
            yield RIGHT, count, "; ".join(labels)

    def text(self) -> str:
        """Return it as plain text, where what is folded away is not shown, or in one line."""
        rows = [" ".join(filter(None, self.verdict))]
        for sign, text, more in self.rows():
            if more:
                whole = f"{text}: {more}"
                text = whole if len(whole) < WIDTH - 4 else f"{text} ..."
            rows += textwrap.wrap(
                f"{sign or ' '} {text}", WIDTH, initial_indent="  ", subsequent_indent="    "
            )
        return "\n".join(rows)

    def html(self) -> str:
        """Return it for a notebook, where the browser breaks the lines."""
        sign, verdict = self.verdict
        rows = [f"<b>{_signed(sign, verdict)}</b>"]
        rows += [_row(sign, text, more) for sign, text, more in self.rows()]
        return f'<div style="line-height: 1.5">{"".join(f"<div>{row}</div>" for row in rows)}</div>'

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": self.text(), "text/html": self.html()}


def brief(value: str) -> str:
    """Return what to show of a right value: numbers and short texts; an array says nothing."""
    value = value.removeprefix("measured ")
    return value if len(value) <= BRIEF and not _ARRAY.search(value) else ""


def folded(text: str) -> str:
    """Return the beginning of a text that is too long to be read."""
    return text if len(text) <= FOLDED else f"{text[:FOLDED]} ..."


class Shown:
    """A panel on its way to the student: under way in a notebook, and at the end everywhere.

    While it is under way it is a progress line (see `coursekit.gate`), which is never stored.
    """

    def __init__(self, panel: Panel) -> None:
        self._handle = None
        if _in_notebook():
            from IPython.display import display

            self._handle = display(panel, display_id=True, metadata={"progress": True})

    def update(self, panel: Panel) -> None:
        """Show how far it is."""
        if self._handle:
            self._handle.update(panel, metadata={"progress": True})

    def finish(self, panel: Panel) -> None:
        """Show the whole."""
        if self._handle:
            from IPython.display import HTML, display

            self._handle.update(HTML(""), metadata={"progress": True})
            display(panel)
        else:
            print(panel.text())


def _in_notebook() -> bool:
    """Return True in a kernel, which can show a page."""
    found = sys.modules.get("IPython")
    return hasattr(found.get_ipython(), "kernel") if found else False


def _signed(sign: str, text: str) -> str:
    mark = f'<span style="color: {_COLOURS[sign]}">{sign}</span> ' if sign else ""
    return mark + html.escape(text)


def _row(sign: str, text: str, more: str) -> str:
    if not sign:
        return f"<pre style='margin: 0 0 0 2em'>{html.escape(text.strip())}</pre>"
    if not more:
        return _signed(sign, text)
    return f"<details><summary>{_signed(sign, text)}</summary>{html.escape(more)}</details>"
