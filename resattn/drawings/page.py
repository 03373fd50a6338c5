"""The finished drawing: title, picture, caption; as SVG for notebooks, pages and files."""

from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from xml.etree import ElementTree as ET

from resattn.drawings.shapes import Block, Shape, Text
from resattn.drawings.steps import Style
from resattn.drawings.svg import svg_of
from resattn.drawings.text import wrap

PHONE = 390
"""Width in pixels of the screens on which every drawing must be readable."""

READABLE = 9.0
"""The smallest text on such a screen, in pixels."""

MARGIN = 16.0
LEAST_WIDTH = 400.0


@dataclass(frozen=True)
class Drawing:
    """A drawing that a notebook shows, a page embeds and a file keeps.

    The bytes depend on what is drawn alone, so that `nbval` can compare them.

    Attributes:
        title: what is drawn.
        alt: the whole drawing in words, for those who cannot see it.
        shapes: what it is made of, from back to front.
        width, height: in the drawing's units, which are pixels at the size it is laid out for.
    """

    title: str
    alt: str
    shapes: tuple[Shape, ...]
    width: float
    height: float

    @cached_property
    def svg(self) -> str:
        """The drawing as SVG: light by itself, dark where the reader's system is."""
        return svg_of(self.shapes, self.width, self.height, self.title, self.alt)

    @property
    def smallest_text(self) -> float:
        """Pixels of its smallest text on a screen `PHONE` pixels wide."""
        sizes = [shape.size for shape in self.shapes if isinstance(shape, Text)]
        return min(sizes) * min(1.0, PHONE / self.width)

    def save(self, path: str | Path) -> Path:
        """Write the SVG to a file, and return its path."""
        Path(path).write_text(self.svg, encoding="utf-8")
        return Path(path)

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
        """What notebooks show.

        The HTML is the same SVG as an image: JupyterLab gives no alternative text to SVG, and does
        not show it at all in a notebook that this user has not run yet.
        """
        source = b64encode(self.svg.encode()).decode()
        image = ET.Element("img")
        image.set("src", f"data:image/svg+xml;base64,{source}")
        image.set("alt", self.alt)
        image.set("width", f"{self.width:.0f}")
        image.set("style", "max-width: 100%; height: auto")
        bundle = {
            "image/svg+xml": self.svg,
            "text/html": ET.tostring(image, encoding="unicode", method="html"),
            "text/plain": self.alt,
        }
        return bundle, {"image/svg+xml": {"alt": self.alt}}


def fitted(make: Callable[[float], "Drawing"]) -> "Drawing":
    """The drawing that ``make`` returns for the smallest scale of text that a phone can show."""
    scale = 1.0
    while (drawing := make(scale)).smallest_text < READABLE and scale < 3:
        scale += 0.05
    return drawing


def page(title: str, picture: Block, caption: str, alt: Sequence[str], style: Style) -> Drawing:
    """A drawing with its title above and its caption below.

    Args:
        title: what is drawn, in a few words.
        picture: the laid-out drawing.
        caption: one or two sentences that say the finding.
        alt: sentences that say what is drawn; title and caption are put before them.
        style: of the text.
    """
    wide = max(LEAST_WIDTH * style.scale, picture.width + 2 * MARGIN)
    room = wide - 2 * MARGIN
    big = 1.2 * style.text
    y = MARGIN
    shapes: list[Shape] = []
    for line in wrap(title, big, room, bold=True):
        y += 1.2 * big
        shapes.append(Text(MARGIN, y - 0.25 * big, line, big, bold=True))
    y += 0.8 * style.text
    left = MARGIN + (room - picture.width) / 2
    shapes += picture.at(left + picture.left, y)
    y += picture.height + 0.9 * style.text
    for line in wrap(caption, style.text, room):
        y += style.line
        shapes.append(Text(MARGIN, y - 0.25 * style.text, line, style.text))
    words = " ".join([f"{title}.", *([caption] if caption else []), *alt])
    return Drawing(title, words, tuple(shapes), round(wide, 1), round(y + MARGIN, 1))
