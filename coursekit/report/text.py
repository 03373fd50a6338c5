"""Text from a student's side, made harmless for where it goes: a page, Markdown, XML, a terminal.

Names, paths, answers, words and reasons pass through here on their way into every report. Escaping
for HTML and XML is left to Jinja2 and ElementTree.
"""

import unicodedata

MANY = 20_000  # characters; what is longer is cut where it is shown, and never where it is kept

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}  # control, format (RTL marks), surrogates, ...


def visible(text: str, lines: bool = False) -> str:
    """Return the text with every control, format and direction character spelled out: ⟨U+202E⟩.

    Different texts stay different. With ``lines`` line ends and tabs stay as they are.
    """
    if lines:
        text = text.replace("\r\n", "\n")
    return "".join(_spelled(c, "\n\t" if lines else "") for c in text)


def _spelled(c: str, kept: str) -> str:
    if c == " " or c.isalnum() or c in kept:
        return c
    odd = unicodedata.category(c) in _HIDDEN or c in "⟨\ufffe\uffff"
    return f"⟨U+{ord(c):04X}⟩" if odd else c


def harmless(text: str, lines: bool = False) -> str:
    """Return the visible text, cut where it is too long to be read."""
    return visible(clipped(text), lines)


def markdown(text: str) -> str:
    """Return a line of Markdown in which markup, mathematics and HTML are character entities."""
    return "".join(c if c.isalnum() or c in " ,.:;?" else f"&#{ord(c)};" for c in harmless(text))


def fenced(text: str, language: str = "") -> str:
    """Return a code block of Markdown that the text itself cannot end."""
    text = harmless(text, lines=True)
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text}\n{fence}"


def clipped(text: str, limit: int = MANY) -> str:
    """Return the beginning of a text that is too long to be read, else the whole."""
    return text if len(text) <= limit else f"{text[:limit]} ... ({len(text)} characters in all)"


def first_line(text: str) -> str:
    """Return the first line of a reason; the lines below it are a traceback."""
    return text.splitlines()[0] if text.strip() else ""


def as_points(value: float | None) -> str:
    """Return points as people write them: 7, 2.5; nothing for None."""
    return "" if value is None else f"{value:.2f}".rstrip("0").rstrip(".")


def several(count: float, one: str) -> str:
    """Return a count with its noun: 1 day, 2 days."""
    return f"{count:g} {one if count == 1 else one + 's'}"
