"""The room that text needs: an estimate that no common sans-serif font exceeds.

A drawing is laid out here, but its letters are drawn on the reader's machine, by whatever font is
there. So the widths are those of DejaVu Sans, one of the widest; Helvetica and Arial need less.
"""

_ASCII = [
    int(number)
    for number in """
    318 401 460 838 636 950 780 275 390 390 500 838 318 361 318 337 636 636 636 636 636 636 636
    636 636 636 337 337 838 838 838 531 1000 684 686 698 770 632 575 775 752 295 295 656 557 863
    748 787 603 787 695 635 611 732 684 989 685 611 685 390 337 390 838 500 500 613 635 550 635
    615 352 635 634 278 278 579 278 974 634 612 635 635 411 521 392 634 592 818 592 592 525 636
    337 636 838
    """.split()
]
"""Advance widths of the characters from space to tilde, in thousandths of the font's size."""

_OTHERS = {"·": 318, "σ": 634, "φ": 660, "θ": 612, "²": 401, "Σ": 632, "–": 500}
_WIDEST = 1000
_BOLD = 1.17
ASCENT, DESCENT = 0.78, 0.24
"""How far letters reach above and below their base line, in sizes of the font."""


def width(text: str, size: float, *, bold: bool = False) -> float:
    """The width of one line of text at a font size, both in the drawing's units.

    >>> width("mask", 10)
    26.87
    """
    thousandths = sum(
        _ASCII[ord(c) - 32] if " " <= c <= "~" else _OTHERS.get(c, _WIDEST) for c in text
    )
    return round(thousandths * size * (_BOLD if bold else 1) / 1000, 2)


def wrap(text: str, size: float, room: float, *, bold: bool = False) -> list[str]:
    """The lines of a text that is broken at spaces, so that each line fits into the room.

    A single word that is wider than the room stands on a line of its own.
    """
    lines: list[str] = []
    for word in text.split():
        if lines and width(f"{lines[-1]} {word}", size, bold=bold) <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
