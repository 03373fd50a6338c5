"""The finished drawing: title, picture, caption; as SVG for notebooks, pages and files."""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from xml.etree import ElementTree as ET

from resattn.drawings.layout import Style
from resattn.drawings.shapes import Area, Block, Disc, Line, Role, Shape, Text
from resattn.drawings.text import wrap

PHONE = 390
"""Width in pixels of the screens on which every drawing must be readable."""

READABLE = 9.0
"""The smallest text on such a screen, in pixels."""

MARGIN = 16.0
LEAST_WIDTH = 400.0
FONT = "Helvetica, Arial, 'DejaVu Sans', sans-serif"


@dataclass(frozen=True)
class Colours:
    """Fill and outline of each role, and the colours of paper and text."""

    paper: str
    text: str
    faint: str
    fills: dict[Role, str]
    lines: dict[Role, str]


LIGHT = Colours(
    paper="#ffffff",
    text="#1b1f24",
    faint="#535c67",
    fills={
        "unit": "#edf0f3",
        "trunk": "#d6e9f8",
        "mask": "#fce0cd",
        "gate": "#cdeee0",
        "skip": "#f5dfec",
        "back": "#fff1cc",
        "here": "#f7e463",
        "plain": "#ffffff",
        "ink": "#3d4650",
    },
    lines={
        "unit": "#6b7683",
        "trunk": "#0072b2",
        "mask": "#c24e00",
        "gate": "#00805d",
        "skip": "#ad4f86",
        "back": "#946200",
        "here": "#8a7400",
        "plain": "#6b7683",
        "ink": "#3d4650",
    },
)
DARK = Colours(
    paper="#14181d",
    text="#eef1f4",
    faint="#a9b3bf",
    fills={
        "unit": "#2a3139",
        "trunk": "#0f3a57",
        "mask": "#55290d",
        "gate": "#0d4535",
        "skip": "#4a2540",
        "back": "#4a3800",
        "here": "#6b5d00",
        "plain": "#14181d",
        "ink": "#c3cad2",
    },
    lines={
        "unit": "#8d99a6",
        "trunk": "#56b4e9",
        "mask": "#f0894a",
        "gate": "#3fc79b",
        "skip": "#e08fbd",
        "back": "#e6b23c",
        "here": "#f0e442",
        "plain": "#8d99a6",
        "ink": "#c3cad2",
    },
)
"""Tints of the palette of Okabe and Ito (2008); each line stands out from its paper."""


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
        return _svg(self)

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
    words = " ".join([f"{title}. {caption}", *alt])
    return Drawing(title, words, tuple(shapes), round(wide, 1), round(y + MARGIN, 1))


def _svg(drawing: Drawing) -> str:
    name = "drawing-" + hashlib.sha256(repr(drawing).encode()).hexdigest()[:8]
    high = f"{drawing.height:g}"
    root = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {drawing.width:g} {high}",
            "width": f"{drawing.width:g}",
            "height": high,
            "style": "max-width: 100%; height: auto",
            "class": name,
            "role": "img",
            "aria-labelledby": f"{name}-title {name}-text",
            "font-family": FONT,
        },
    )
    ET.SubElement(root, "title", id=f"{name}-title").text = drawing.title
    ET.SubElement(root, "desc", id=f"{name}-text").text = drawing.alt
    ET.SubElement(root, "style").text = _dark_rules(name)
    paper = {"width": f"{drawing.width:g}", "height": high, "rx": "8", "fill": LIGHT.paper}
    ET.SubElement(root, "rect", paper | {"class": "paper"})
    for shape in sorted(drawing.shapes, key=_depth):
        _put(root, shape)
    ET.indent(root, " ")
    return ET.tostring(root, encoding="unicode") + "\n"


def _depth(shape: Shape) -> int:
    """Frames lie behind lines, lines behind boxes, signs and text in front."""
    if isinstance(shape, Area):
        return 0 if shape.frame else 2
    if isinstance(shape, Disc):
        return 3
    if isinstance(shape, Line):
        return 4 if shape.thickness == 2 else 1
    return 5


def _put(root: ET.Element, shape: Shape) -> None:
    if isinstance(shape, Area):
        fill = LIGHT.paper if shape.frame else LIGHT.fills[shape.role]
        given = {"fill": fill, "stroke": LIGHT.lines[shape.role], "stroke-width": "1.2"}
        name = "frame" if shape.frame else "area"
        if shape.frame:
            given["stroke-dasharray"] = "5 4"
        given["class"] = f"{name} {shape.role}"
        left, top, right, bottom = shape.extent
        if shape.radius:
            place = {"x": left, "y": top, "width": right - left, "height": bottom - top}
            numbers = {key: _number(value) for key, value in place.items()}
            ET.SubElement(root, "rect", numbers | {"rx": _number(shape.radius)} | given)
        else:
            points = " ".join(f"{_number(x)},{_number(y)}" for x, y in shape.points)
            ET.SubElement(root, "polygon", {"points": points} | given)
    elif isinstance(shape, Disc):
        given = {"fill": LIGHT.paper, "stroke": LIGHT.lines[shape.role], "stroke-width": "1.5"}
        place = {"cx": _number(shape.x), "cy": _number(shape.y), "r": _number(shape.radius)}
        ET.SubElement(root, "circle", place | given | {"class": f"disc {shape.role}"})
    elif isinstance(shape, Line):
        _put_line(root, shape)
    else:
        fill = LIGHT.lines[shape.role] if shape.role else LIGHT.faint if shape.faint else LIGHT.text
        given = {"x": _number(shape.x), "y": _number(shape.y), "font-size": _number(shape.size)}
        given |= {"fill": fill, "class": shape.role or ("faint" if shape.faint else "words")}
        if shape.anchor != "start":
            given["text-anchor"] = shape.anchor
        if shape.bold:
            given["font-weight"] = "bold"
        ET.SubElement(root, "text", given).text = shape.text


def _put_line(root: ET.Element, line: Line) -> None:
    colour = LIGHT.lines[line.role]
    points = list(line.points)
    if line.head:
        (x0, y0), (x1, y1) = points[-2:]
        length = max(1e-6, ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5)
        dx, dy = (x1 - x0) / length, (y1 - y0) / length
        size = 3 + 2 * line.thickness
        back = x1 - size * dx, y1 - size * dy
        half = 0.55 * size
        corners = (x1, y1), (back[0] - half * dy, back[1] + half * dx)
        corners = *corners, (back[0] + half * dy, back[1] - half * dx)
        points[-1] = back
    path = "M" + " L".join(f"{_number(x)} {_number(y)}" for x, y in points)
    given = {"d": path, "fill": "none", "stroke": colour, "stroke-linejoin": "round"}
    given |= {"stroke-width": _number(line.thickness), "class": f"line {line.role}"}
    if line.dashed:
        given["stroke-dasharray"] = "5 3"
    ET.SubElement(root, "path", given)
    if line.head:
        tip = " ".join(f"{_number(x)},{_number(y)}" for x, y in corners)
        ET.SubElement(root, "polygon", {"points": tip, "fill": colour, "class": f"tip {line.role}"})


def _dark_rules(name: str) -> str:
    """The rules that recolour a drawing; without them it keeps the light colours."""
    rules = [f".{name} .paper,.{name} .frame,.{name} .disc{{fill:{DARK.paper}}}"]
    rules += [
        f".{name} .words{{fill:{DARK.text}}}",
        f".{name} .faint{{fill:{DARK.faint}}}",
    ]
    for role, colour in DARK.lines.items():
        rules.append(f".{name} .area.{role}{{fill:{DARK.fills[role]}}}")
        for kind in ("area", "frame", "disc", "line"):
            rules.append(f".{name} .{kind}.{role}{{stroke:{colour}}}")
        rules.append(f".{name} .tip.{role},.{name} text.{role}{{fill:{colour}}}")
    return "@media (prefers-color-scheme: dark){" + "".join(rules) + "}"


def _number(value: float) -> str:
    """A coordinate with one digit, and no minus before a zero."""
    return f"{round(value, 1) + 0.0:g}"
