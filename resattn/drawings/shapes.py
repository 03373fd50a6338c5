"""What a drawing is made of: boxes, lines and text, each knowing the room that it takes.

Coordinates are the drawing's units; y grows downward. Shapes are immutable: `moved` returns a copy.
A `Block` is a part of a drawing that has been laid out round an axis, the vertical line that its
main arrow follows.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from resattn.drawings.text import ASCENT, DESCENT, width

Role: TypeAlias = Literal["unit", "trunk", "mask", "gate", "skip", "back", "plain", "here", "ink"]
"""What a shape stands for; it decides the colour, and is the same in all drawings.

``unit`` any layers, ``trunk`` T, ``mask`` M, ``gate`` SE, CBAM and BAM, ``skip`` the shortcut or a
skip connection, ``back`` the gradient, ``here`` the place where a lesson is, ``plain`` and ``ink``
have no meaning of their own.
"""

Extent: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom."""


@dataclass(frozen=True)
class Area:
    """A filled outline: a box, a funnel, an hourglass.

    Attributes:
        points: corners in order.
        role: decides the colour.
        radius: of the corners.
        kind: a box with text in it, or a frame or panel that lies behind other shapes.
    """

    points: tuple[tuple[float, float], ...]
    role: Role
    radius: float = 0
    kind: Literal["box", "frame", "panel"] = "box"

    @property
    def extent(self) -> Extent:
        """The smallest upright rectangle round it."""
        return _around(self.points)

    def moved(self, dx: float, dy: float) -> "Area":
        """The same area elsewhere."""
        return replace(self, points=_shifted(self.points, dx, dy))


@dataclass(frozen=True)
class Disc:
    """A circle with a sign in it: two paths meet in a sum or in a product."""

    x: float
    y: float
    radius: float
    role: Role

    @property
    def extent(self) -> Extent:
        """The smallest upright square round it."""
        r = self.radius
        return self.x - r, self.y - r, self.x + r, self.y + r

    def moved(self, dx: float, dy: float) -> "Disc":
        """The same circle elsewhere."""
        return replace(self, x=self.x + dx, y=self.y + dy)


@dataclass(frozen=True)
class Line:
    """A path that data or a gradient takes, with or without a head at its end."""

    points: tuple[tuple[float, float], ...]
    role: Role = "ink"
    head: bool = False
    dashed: bool = False
    thickness: float = 1.5

    @property
    def extent(self) -> Extent:
        """The smallest upright rectangle round it."""
        return _around(self.points)

    def moved(self, dx: float, dy: float) -> "Line":
        """The same line elsewhere."""
        return replace(self, points=_shifted(self.points, dx, dy))


@dataclass(frozen=True)
class Text:
    """One line of text; y is its base line, x its start, middle or end."""

    x: float
    y: float
    text: str
    size: float
    anchor: Literal["start", "middle", "end"] = "start"
    bold: bool = False
    faint: bool = False
    role: Role | None = None

    @property
    def extent(self) -> Extent:
        """The room that it needs, by the estimate of `width`."""
        room = width(self.text, self.size, bold=self.bold)
        left = self.x - {"start": 0, "middle": room / 2, "end": room}[self.anchor]
        return left, self.y - ASCENT * self.size, left + room, self.y + DESCENT * self.size

    def moved(self, dx: float, dy: float) -> "Text":
        """The same text elsewhere."""
        return replace(self, x=self.x + dx, y=self.y + dy)


Shape: TypeAlias = Area | Disc | Line | Text


@dataclass(frozen=True)
class Block:
    """Shapes round an axis at x = 0, from y = 0 down to ``height``.

    Attributes:
        shapes: from back to front.
        left, right: how far they reach from the axis, both positive.
        height: where the axis leaves at the bottom.
    """

    shapes: tuple[Shape, ...]
    left: float
    right: float
    height: float

    @property
    def width(self) -> float:
        """From its left to its right end."""
        return self.left + self.right

    def at(self, x: float, y: float) -> list[Shape]:
        """Its shapes, with the axis at x and the top at y."""
        return [shape.moved(x, y) for shape in self.shapes]


def block(shapes: Iterable[Shape], height: float) -> Block:
    """The block of these shapes, as wide as they are."""
    kept = tuple(shapes)
    left, _, right, _ = extent_of(kept)
    return Block(kept, max(0, -left), max(0, right), height)


def extent_of(shapes: Iterable[Shape]) -> Extent:
    """The smallest upright rectangle round all of them; zeros for none."""
    found = [shape.extent for shape in shapes]
    if not found:
        return 0, 0, 0, 0
    lefts, tops, rights, bottoms = zip(*found, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def rectangle(
    left: float,
    top: float,
    wide: float,
    high: float,
    role: Role,
    *,
    radius: float = 5,
    kind: Literal["box", "frame", "panel"] = "box",
) -> Area:
    """An upright box."""
    right, bottom = left + wide, top + high
    corners = (left, top), (right, top), (right, bottom), (left, bottom)
    return Area(corners, role, radius, kind)


def _around(points: tuple[tuple[float, float], ...]) -> Extent:
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def _shifted(
    points: tuple[tuple[float, float], ...], dx: float, dy: float
) -> tuple[tuple[float, float], ...]:
    return tuple((x + dx, y + dy) for x, y in points)
