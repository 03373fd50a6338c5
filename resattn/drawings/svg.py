"""Shapes as SVG: light by themselves, dark by rules that a reader's system switches on."""

import hashlib
from collections.abc import Iterable
from xml.etree import ElementTree as ET

from resattn.drawings.colours import DARK, LIGHT
from resattn.drawings.shapes import Area, Disc, Line, Shape

FONT = "Helvetica, Arial, 'DejaVu Sans', sans-serif"


def svg_of(shapes: Iterable[Shape], width: float, height: float, title: str, alt: str) -> str:
    """The SVG of shapes on a sheet of paper; its bytes depend on nothing else.

    Colours are attributes, so that they hold where style sheets are ignored; the one style sheet
    has the dark ones. Its rules and its identifiers carry a name made from what is drawn, because
    several drawings may stand on one page.
    """
    drawn = sorted(shapes, key=_depth)
    content = repr((drawn, width, height, title, alt))
    name = "drawing-" + hashlib.sha256(content.encode()).hexdigest()[:8]
    high = f"{height:g}"
    root = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {width:g} {high}",
            "width": f"{width:g}",
            "height": high,
            "style": "max-width: 100%; height: auto",
            "class": name,
            "role": "img",
            "aria-labelledby": f"{name}-title {name}-text",
            "font-family": FONT,
        },
    )
    ET.SubElement(root, "title", id=f"{name}-title").text = title
    ET.SubElement(root, "desc", id=f"{name}-text").text = alt
    ET.SubElement(root, "style").text = _dark_rules(name, drawn)
    paper = {"width": f"{width:g}", "height": high, "rx": "8", "fill": LIGHT.paper}
    ET.SubElement(root, "rect", paper | {"class": "paper"})
    for shape in drawn:
        _put(root, shape)
    ET.indent(root, " ")
    return ET.tostring(root, encoding="unicode") + "\n"


def _depth(shape: Shape) -> int:
    """Panels and frames lie behind lines, lines behind boxes, signs and text in front."""
    if isinstance(shape, Area):
        return {"panel": -1, "frame": 0, "box": 2}[shape.kind]
    if isinstance(shape, Disc):
        return 3
    if isinstance(shape, Line):
        return 4 if shape.thickness == 2 else 1
    return 5


def _put(root: ET.Element, shape: Shape) -> None:
    if isinstance(shape, Area):
        framed = shape.kind == "frame"
        fill = LIGHT.paper if framed else LIGHT.fills[shape.role]
        given = {"fill": fill, "stroke": LIGHT.lines[shape.role], "stroke-width": "1.2"}
        if framed:
            given["stroke-dasharray"] = "5 4"
        given["class"] = f"{'frame' if framed else 'area'} {shape.role}"
        left, top, right, bottom = shape.extent
        if shape.radius:
            ends = {"x": left, "y": top, "width": right - left, "height": bottom - top}
            numbers = {key: _number(value) for key, value in ends.items()}
            ET.SubElement(root, "rect", numbers | {"rx": _number(shape.radius)} | given)
        else:
            points = " ".join(f"{_number(x)},{_number(y)}" for x, y in shape.points)
            ET.SubElement(root, "polygon", {"points": points} | given)
    elif isinstance(shape, Disc):
        fill = LIGHT.fills["here" if shape.role == "here" else "plain"]
        given = {"fill": fill, "stroke": LIGHT.lines[shape.role], "stroke-width": "1.5"}
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
        size = 4.5 + line.thickness
        back = x1 - size * dx, y1 - size * dy
        half = 0.55 * size
        corners = [(x1, y1)]
        corners += [(back[0] - s * half * dy, back[1] + s * half * dx) for s in (1, -1)]
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


def _dark_rules(name: str, drawn: Iterable[Shape]) -> str:
    """The rules that recolour a drawing; without them it keeps the light colours."""
    rules = [f".{name} .paper,.{name} .frame,.{name} .disc{{fill:{DARK.paper}}}"]
    rules += [
        f".{name} .words{{fill:{DARK.text}}}",
        f".{name} .faint{{fill:{DARK.faint}}}",
    ]
    used = {shape.role for shape in drawn}
    for role, colour in DARK.lines.items():
        if role not in used:
            continue
        rules.append(f".{name} .area.{role}{{fill:{DARK.fills[role]}}}")
        if role == "here":
            rules.append(f".{name} .disc.here{{fill:{DARK.fills[role]}}}")
        for kind in ("area", "frame", "disc", "line"):
            rules.append(f".{name} .{kind}.{role}{{stroke:{colour}}}")
        rules.append(f".{name} .tip.{role},.{name} text.{role}{{fill:{colour}}}")
    return "@media (prefers-color-scheme: dark){" + "".join(rules) + "}"


def _number(value: float) -> str:
    """A coordinate with one digit, and no minus before a zero."""
    return f"{round(value, 1) + 0.0:g}"
