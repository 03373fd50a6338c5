"""From structure to place: a flow becomes a block, with its input above and its output below.

One straight line, the axis, follows the main way. The other branches of a fork leave it to the
right and come back in a sum or a product; the branches of a concatenation stand beside each other.
Data always runs downward, so that a drawing is tall rather than wide and fits a phone.
"""

from collections.abc import Sequence

from resattn.drawings.flow import Flow, Fork, Group, Sizes, Step, last_sizes, steps
from resattn.drawings.shapes import Block, Line, Role, Shape, Text, block, rectangle
from resattn.drawings.steps import (
    DISC,
    PAD,
    Style,
    arrow,
    centred,
    edge_words,
    size_words,
    step_shapes,
)

GUTTER = 14.0  # between a branch and what stands beside it
STUB = 13.0  # from a split to the first box


def flow_block(flow: Flow, sizes: Sizes, style: Style, *, words: str | None = None) -> Block:
    """The block of a whole flow: an arrow into each step, and one that leaves the last.

    Args:
        flow: what is drawn.
        sizes: of the tensor that enters.
        style: see there.
        words: on the first edge; by default the words for ``sizes``.
    """
    shapes, height = _chain(flow, sizes, style, "ink", words)
    edge = _leaving(flow, sizes, style)
    shapes += arrow(height, height + style.gap, edge, style, "ink")
    return block(shapes, height + style.gap)


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
        edge = "" if first else (size_words(sizes, style) if said is None else said)
        if isinstance(item, Fork):
            join = items[0] if items else None
            if not isinstance(join, Step):
                raise ValueError("a fork needs a step after it, in which its branches meet")
            items.pop(0)
            shapes += arrow(y, y + gap, edge, style, role, head=False)
            part, y = _fork(item, join, sizes, style, role, y + gap)
            shapes += part
            sizes, said = join.sizes, join.carries or None
            continue
        shapes += arrow(y, y + gap, edge, style, role)
        y += gap
        if isinstance(item, Group):
            part, high = _group(item, sizes, style, role)
            last = list(steps(item.inside))[-1]
            sizes, said = last.sizes, last.carries or None
        else:
            part, high = step_shapes(item, sizes, style)
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
    end_of_main = arrow(y + main.height, low, edge, style, role)
    shapes += end_of_main
    centre, reach = low + DISC, max(main.right, DISC, *(part.extent[2] for part in end_of_main))
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
            label = edge_words(x, end - style.gap, end, _leaving(way, sizes, style), style)
            shapes += label
            room = max([room, *(text.extent[2] - x for text in label)])
        reach = x + room
    shapes += [shape.moved(0, low) for shape in step_shapes(join, sizes, style)[0]]
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
            [*part.shapes, *edge_words(0, 0, style.gap, _leaving(way, sizes, style), style)],
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
        shapes += edge_words(x, low - style.gap, low, _leaving(way, sizes, style), style)
    left = min(places[i] - parts[i].left for i in places)
    right = max(places[i] + parts[i].right for i in places)
    high = style.line + 8
    shapes.append(rectangle(left, low, right - left, high, join.role))
    middle = (left + right) / 2
    shapes.append(centred(middle, low + high / 2, join.label, style))
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
    frame = rectangle(-left, 0, left + right, height, group.role, radius=8, kind="frame")
    end = Line(((0, height - PAD), (0, height)), role)
    return [frame, top, *inside, title, end], height


def _leaving(flow: Flow, sizes: Sizes, style: Style) -> str:
    """The words on the edge that leaves a flow which ``sizes`` enter."""
    last = list(steps(flow))[-1:]
    return (last[0].carries if last else "") or size_words(last_sizes(flow, sizes), style)


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
