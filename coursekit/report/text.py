"""Text from a student's side, made harmless for where it goes: a page, Markdown, XML, a terminal.

Names, paths, answers, words and reasons pass through here on their way into every report.
"""

import html
import unicodedata

MANY = 20_000  # characters; what is longer is cut where it is shown, and never where it is kept

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}  # control, format (RTL marks), surrogates, ...


def visible(text: str, lines: bool = False) -> str:
    """The text with each control, format and direction character written out, as in ⟨U+202E⟩.

    Different texts stay different. With ``lines`` line ends and tabs stay what they are.
    """
    if lines:
        text = text.replace("\r\n", "\n")
    return "".join(_shown(c, "\n\t" if lines else "") for c in text)


def _shown(c: str, kept: str) -> str:
    if c == " " or c.isalnum() or c in kept:
        return c
    odd = unicodedata.category(c) in _HIDDEN or c in "⟨\ufffe\uffff"
    return f"⟨U+{ord(c):04X}⟩" if odd else c


def shown(text: str, lines: bool = False) -> str:
    """For HTML and XML, in text and in attributes."""
    return html.escape(visible(cut(text), lines))


def markdown(text: str) -> str:
    """For a line of Markdown: what could be markup, mathematics or HTML becomes an entity."""
    return "".join(
        c if c.isalnum() or c in " ,.:;?" else f"&#{ord(c)};" for c in visible(cut(text))
    )


def fenced(text: str, language: str = "") -> str:
    """For Markdown, as a block of code that the text itself cannot end."""
    text = visible(cut(text), lines=True)
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text}\n{fence}"


def cut(text: str, limit: int = MANY) -> str:
    """The beginning of a text that is too long to be read."""
    return text if len(text) <= limit else f"{text[:limit]} ... ({len(text)} characters in all)"


def first_line(text: str) -> str:
    """The first line of a reason; the lines below it are a traceback."""
    return text.splitlines()[0] if text.strip() else ""


def number(value: float | None) -> str:
    """Points as people write them: 7, 2.5; nothing where there are none."""
    return "" if value is None else f"{value:.2f}".rstrip("0").rstrip(".")
