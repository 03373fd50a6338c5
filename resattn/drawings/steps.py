"""One step, one arrow, one label: the smallest parts of a laid-out drawing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import log2

from resattn.drawings.flow import Sizes, Step
from resattn.drawings.shapes import Area, Disc, Line, Role, Shape, Text, rectangle
from resattn.drawings.text import width

PAD = 9.0  # between a box and its text

DISC = 9.0  # radius of a sum or product


def channels_and_map(sizes: Sizes) -> str:
    """The usual words on an edge: ``64×56×56``, or ``1000`` for a vector."""
    return "×".join(map(str, sizes))


def map_alone(sizes: Sizes) -> str:
    """Words on an edge where every map has the same channels: ``56×56``."""
    return "×".join(map(str, sizes[1:] or sizes))


@dataclass(frozen=True)
class Style:
    """What differs between drawings.

    Attributes:
        scale: of all text; above 1 where a drawing is so wide that a phone would shrink it.
        words: turn the sizes of a tensor into the words on its edge.
        narrowest: if given, the side of the smallest map: boxes are the wider, the larger the map.
    """

    scale: float = 1.0
    words: Callable[[Sizes], str] = channels_and_map
    narrowest: int | None = None

    @property
    def text(self) -> float:
        """Font size in boxes."""
        return 12.5 * self.scale

    @property
    def small(self) -> float:
        """Font size on edges; the smallest of all."""
        return 11.5 * self.scale

    @property
    def line(self) -> float:
        """From one line of text to the next."""
        return 1.22 * self.text

    @property
    def gap(self) -> float:
        """Length of an arrow with words beside it."""
        return 9 + 1.3 * self.small

    def box_width(self, sizes: Sizes) -> float:
        """The least width of a box whose output has these sizes."""
        if self.narrowest is None or len(sizes) < 3:
            return 0
        return (62 + 25 * min(4.5, log2(max(1, sizes[-1] / self.narrowest)))) * self.scale


def step_shapes(step: Step, before: Sizes, style: Style) -> tuple[list[Shape], float]:
    """One step, from y = 0; and its height."""
    if step.kind in ("sum", "product"):
        return list(_sign(step)), 2 * DISC
    lines = step.label.split("\n")
    need = max(width(line, style.text) for line in lines) + 2 * PAD
    high = len(lines) * style.line + 9
    aside = step.role == "skip"  # as narrow as can be: several stand beside each other
    wide = max(need, 0 if aside else style.box_width(step.sizes), 40)
    if step.kind == "one":
        area = rectangle(-20, 0, 40, high, step.role, radius=high / 2)
    elif step.kind in ("pool", "enlarge"):
        larger, smaller = _funnel(step, before, style, need)
        top, bottom = (larger, smaller) if step.kind == "pool" else (smaller, larger)
        area = Area(((-top, 0), (top, 0), (bottom, high), (-bottom, high)), step.role)
    elif step.kind == "hourglass":
        high += 34
        waist, rim = need / 2 - 3, need / 2 + 24
        middle = high / 2
        right = [(rim, 0), (waist, middle), (rim, high)]
        left = [(-x, y) for x, y in reversed(right)]
        area = Area((*right, *left), step.role)
    else:
        area = rectangle(-wide / 2, 0, wide, high, step.role)
    return [area, *text_lines(step.label, 0, high / 2, style)], high


def _funnel(step: Step, before: Sizes, style: Style, need: float) -> tuple[float, float]:
    """Half widths of a pooling or upsampling at its larger and at its smaller map."""
    after, ahead = style.box_width(step.sizes), style.box_width(before)
    small = max(min(after, ahead), need - PAD)
    large = max(after, ahead, small + 16)
    return large / 2, small / 2


def _sign(step: Step) -> Iterator[Shape]:
    """A circle with a plus or a cross in it."""
    yield Disc(0, DISC, DISC, step.role)
    reach = DISC - 3.5 if step.kind == "sum" else (DISC - 3.5) * 0.75
    ends = (-reach, 0.0, reach, 0.0), (0.0, -reach, 0.0, reach)
    if step.kind == "product":
        ends = (-reach, -reach, reach, reach), (-reach, reach, reach, -reach)
    for x0, y0, x1, y1 in ends:
        yield Line(((x0, y0 + DISC), (x1, y1 + DISC)), thickness=2)


def arrow(
    top: float, bottom: float, words: str, style: Style, role: Role, *, head: bool = True
) -> list[Shape]:
    """A vertical line on the axis, with words at its right."""
    line = Line(((0, top), (0, bottom)), role, head=head)
    return [line, *edge_words(0, top, bottom, words, style)]


def edge_words(x: float, top: float, bottom: float, words: str, style: Style) -> list[Text]:
    """Words at the right of a vertical line at x, in the middle of its height."""
    if not words:
        return []
    y = (top + bottom) / 2 + 0.3 * style.small - 1
    return [Text(x + 7, y, words, style.small, faint=True)]


def text_lines(label: str, x: float, y: float, style: Style) -> list[Text]:
    """Lines of text centred on a point."""
    lines = label.split("\n")
    first = y - (len(lines) - 1) * style.line / 2
    return [centred(x, first + i * style.line, line, style) for i, line in enumerate(lines)]


def centred(x: float, y: float, text: str, style: Style) -> Text:
    return Text(x, y + 0.36 * style.text, text, style.text, "middle")


def size_words(sizes: Sizes, style: Style) -> str:
    return style.words(sizes) if sizes else ""
