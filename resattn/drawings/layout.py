"""From structure to place: a flow becomes a block, with its input above and its output below.

One straight line, the axis, follows the main way. The other branches of a fork leave it to the
right and come back in a sum or a product; the branches of a concatenation stand beside each other.
Data always runs downward, so that a drawing is tall rather than wide and fits a phone.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import log2

from resattn.drawings.flow import Flow, Fork, Group, Sizes, Step, last_sizes, steps
from resattn.drawings.shapes import Area, Block, Disc, Line, Role, Shape, Text, block, rectangle
from resattn.drawings.text import width

PAD = 9.0  # between a box and its text
GUTTER = 14.0  # between a branch and what stands beside it
STUB = 13.0  # from a split to the first box
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


def flow_block(
    flow: Flow, sizes: Sizes, style: Style, *, words: str | None = None, leave: bool = True
) -> Block:
    """The block of a whole flow: an arrow into each step, and one that leaves the last.

    Args:
        flow: what is drawn.
        sizes: of the tensor that enters.
        style: see there.
        words: on the first edge; by default the words for ``sizes``.
        leave: False ends the block at the last step.
    """
    shapes, height = _chain(flow, sizes, style, "ink", words)
    if leave:
        edge = _leaving(flow, sizes, style)
        shapes += _arrow(height, height + style.gap, edge, style, "ink")
        height += style.gap
    return block(shapes, height)


def _chain(
    flow: Flow, sizes: Sizes, style: Style, role: Role, words: str | None, stub: bool = False
) -> tuple[list[Shape], float]:
    """Shapes of a flow and its height. A stub, behind a split, is short and has no words."""
    shapes: list[Shape] = []
    y, said = 0.0, words
    items = list(flow)
    while items:
        item = items.pop(0)
        first = stub and not shapes
        gap = STUB if first else style.gap
        edge = "" if first else (_words(sizes, style) if said is None else said)
        if isinstance(item, Fork):
            if not items or not isinstance(items[0], Step):
                raise ValueError("a fork needs a step after it, in which its branches meet")
            join = items.pop(0)
            shapes += _arrow(y, y + gap, edge, style, role, head=False)
            part, y = _fork(item, join, sizes, style, role, y + gap)
            shapes += part
            sizes, said = join.sizes, join.carries or None
            continue
        shapes += _arrow(y, y + gap, edge, style, role)
        y += gap
        if isinstance(item, Group):
            part, high = _group(item, sizes, style, role)
            last = list(steps(item.inside))[-1]
            sizes, said = last.sizes, last.carries or None
        else:
            part, high = _step(item, sizes, style)
            sizes, said = item.sizes, item.carries or None
        shapes += [shape.moved(0, y) for shape in part]
        y += high
    return shapes, y


def _fork(
    fork: Fork, join: Step, sizes: Sizes, style: Style, role: Role, y: float
) -> tuple[list[Shape], float]:
    """A fork whose split is at height y, with the step in which it ends."""
    colours = [
        role if i == fork.main else _branch_role(way, role) for i, way in enumerate(fork.branches)
    ]
    parts = [
        block(*_chain(way, sizes, style, colour, None, stub=True))
        for way, colour in zip(fork.branches, colours, strict=True)
    ]
    if join.kind == "join":
        return _concatenation(fork, join, parts, sizes, style, role, y)
    main, side = parts[fork.main], [p for i, p in enumerate(parts) if i != fork.main]
    ways = [w for i, w in enumerate(fork.branches) if i != fork.main]
    low = y + max(p.height for p in parts) + style.gap
    shapes = main.at(0, y)
    straight = fork.branches[fork.main]
    edge = _leaving(straight, sizes, style) if straight else ""
    arrow = _arrow(y + main.height, low, edge, style, role)
    shapes += arrow
    centre, reach = low + DISC, max(main.right, DISC, *(part.extent[2] for part in arrow))
    for way, part in zip(ways, side, strict=True):
        colour = _branch_role(way, role)
        x = reach + GUTTER + part.left
        top = y + (low - style.gap - y - part.height) / 2
        shapes += part.at(x, top)
        shapes.append(Line(((0, y), (x, y), (x, top)), colour))
        bottom = top + part.height
        shapes.append(Line(((x, bottom), (x, centre), (DISC, centre)), colour, head=True))
        room = part.right
        if way:
            end = min(bottom + style.gap, centre)
            label = _label(x, end - style.gap, end, _leaving(way, sizes, style), style)
            shapes += label
            room = max([room, *(text.extent[2] - x for text in label)])
        reach = x + room
    shapes += [shape.moved(0, low) for shape in _step(join, sizes, style)[0]]
    return shapes, low + 2 * DISC


def _branch_role(branch: Flow, role: Role) -> Role:
    """The colour of a side branch's lines: that of its first step; a shortcut's if it is empty."""
    first = next(steps(branch), None)
    if first is None:
        return "skip"
    return first.role if first.role in ("mask", "gate", "skip") else role


def _concatenation(
    fork: Fork,
    join: Step,
    parts: list[Block],
    sizes: Sizes,
    style: Style,
    role: Role,
    y: float,
) -> tuple[list[Shape], float]:
    """Branches beside each other, the main one on the axis, over one wide box."""
    ends = [
        block(
            [*part.shapes, *_label(0, 0, style.gap, _leaving(way, sizes, style), style)],
            part.height,
        )
        for part, way in zip(parts, fork.branches, strict=True)
    ]
    places = {fork.main: 0.0}
    for i in reversed(range(fork.main)):
        places[i] = places[i + 1] - ends[i + 1].left - 6 - ends[i].right
    for i in range(fork.main + 1, len(ends)):
        places[i] = places[i - 1] + ends[i - 1].right + 6 + ends[i].left
    low = y + max(part.height for part in parts) + style.gap
    shapes: list[Shape] = []
    for i, (part, way) in enumerate(zip(parts, fork.branches, strict=True)):
        x = places[i]
        colour = _branch_role(way, role)
        shapes += part.at(x, y)
        if x:
            shapes.append(Line(((0, y), (x, y), (x, y + 1)), colour))
        bottom = y + part.height
        shapes.append(Line(((x, bottom), (x, low)), colour, head=True))
        shapes += _label(x, low - style.gap, low, _leaving(way, sizes, style), style)
    left = min(places[i] - parts[i].left for i in places)
    right = max(places[i] + parts[i].right for i in places)
    high = style.line + 8
    shapes.append(rectangle(left, low, right - left, high, join.role, radius=5))
    middle = (left + right) / 2
    shapes.append(_centred(middle, low + high / 2, join.label, style))
    return shapes, low + high


def _group(group: Group, sizes: Sizes, style: Style, role: Role) -> tuple[list[Shape], float]:
    """A frame round a flow, with a title left of the axis."""
    title = Text(-10, style.line, group.title, style.text, "end", bold=True, role=group.role)
    inside, high = _chain(group.inside, sizes, style, role, "", stub=True)
    inside = [shape.moved(0, style.line + 2) for shape in inside]
    inner = block([*inside, title], high)
    top = Line(((0, 0), (0, style.line + 2)), role)
    height = high + style.line + 2 + PAD
    right = max(inner.left, inner.right) + PAD
    left = inner.left + PAD
    frame = rectangle(-left, 0, left + right, height, group.role, radius=8, frame=True)
    end = Line(((0, height - PAD), (0, height)), role)
    return [frame, top, *inside, title, end], height


def _step(step: Step, before: Sizes, style: Style) -> tuple[list[Shape], float]:
    """One step, from y = 0; and its height."""
    if step.kind in ("sum", "product"):
        return list(_sign(step)), 2 * DISC
    lines = step.label.split("\n")
    need = max(width(line, style.text) for line in lines) + 2 * PAD
    high = len(lines) * style.line + 9
    wide = max(need, style.box_width(step.sizes), 40)
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
        area = rectangle(-wide / 2, 0, wide, high, step.role, radius=5)
    return [area, *_lines(step.label, 0, high / 2, style)], high


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
    ends = [(-reach, 0), (reach, 0)], [(0, -reach), (0, reach)]
    if step.kind == "product":
        ends = [(-reach, -reach), (reach, reach)], [(-reach, reach), (reach, -reach)]
    for (x0, y0), (x1, y1) in ends:
        yield Line(((x0, y0 + DISC), (x1, y1 + DISC)), thickness=2)


def _arrow(
    top: float, bottom: float, words: str, style: Style, role: Role, *, head: bool = True
) -> list[Shape]:
    """A vertical line on the axis, with words at its right."""
    return [Line(((0, top), (0, bottom)), role, head=head), *_label(0, top, bottom, words, style)]


def _label(x: float, top: float, bottom: float, words: str, style: Style) -> list[Text]:
    """Words at the right of a vertical line at x, in the middle of its height."""
    if not words:
        return []
    y = (top + bottom) / 2 + 0.3 * style.small - 1
    return [Text(x + 7, y, words, style.small, faint=True)]


def _lines(label: str, x: float, y: float, style: Style) -> list[Text]:
    """Lines of text centred on a point."""
    lines = label.split("\n")
    first = y - (len(lines) - 1) * style.line / 2
    return [_centred(x, first + i * style.line, line, style) for i, line in enumerate(lines)]


def _centred(x: float, y: float, text: str, style: Style) -> Text:
    return Text(x, y + 0.36 * style.text, text, style.text, "middle")


def _leaving(flow: Flow, sizes: Sizes, style: Style) -> str:
    """The words on the edge that leaves a flow which ``sizes`` enter."""
    last = list(steps(flow))[-1:]
    return (last[0].carries if last else "") or _words(last_sizes(flow, sizes), style)


def _words(sizes: Sizes, style: Style) -> str:
    return style.words(sizes) if sizes else ""


def beside(blocks: Sequence[Block], gap: float) -> Block:
    """Blocks in a row, tops aligned; the axis of the row is its middle."""
    total = sum(b.width for b in blocks) + gap * (len(blocks) - 1)
    x, shapes = -total / 2, list[Shape]()
    for each in blocks:
        shapes += each.at(x + each.left, 0)
        x += each.width + gap
    return Block(tuple(shapes), total / 2, total / 2, max(b.height for b in blocks))


def below(blocks: Sequence[Block], gap: float) -> Block:
    """Blocks under each other, their middles aligned."""
    y, shapes, half = 0.0, list[Shape](), max(b.width for b in blocks) / 2
    for each in blocks:
        shapes += each.at((each.left - each.right) / 2, y)
        y += each.height + gap
    return Block(tuple(shapes), half, half, y - gap)


def headed(heading: str, inner: Block, style: Style) -> Block:
    """A block under its heading, whose lines are centred over the whole of it."""
    lines = heading.split("\n")
    middle = (inner.right - inner.left) / 2
    texts = [
        Text(middle, (i + 0.8) * style.line, line, style.text, "middle", bold=True)
        for i, line in enumerate(lines)
    ]
    top = len(lines) * style.line + 5
    return block([*texts, *inner.at(0, top)], top + inner.height)
