"""A whole network as a strip that fits the top of a lesson, with the reader's place marked."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from resattn.attention import AttentionModule
from resattn.checks import check_choice
from resattn.config import NetworkConfig
from resattn.create import configured
from resattn.drawings.flow import Sizes, Step, steps
from resattn.drawings.labels import UNIT_CLASSES, UNITS, Boxes
from resattn.drawings.page import Drawing, fitted, page
from resattn.drawings.shapes import Area, Block, Disc, Line, Role, Shape, Text, block, rectangle
from resattn.drawings.steps import Style
from resattn.drawings.text import width
from resattn.drawings.trace import trace
from resattn.drawings.words import counted, spoken
from resattn.gates import BAM
from resattn.network import ResidualAttentionNetwork

PLACES = {
    "stem": "the stem",
    "unit": "the residual unit",
    "module": "the attention module",
    "trunk": "the trunk branch",
    "mask": "the soft mask",
    "merge": "the merge of trunk and mask",
    "gate": "the gate",
    "head": "the classifier",
    "network": "the whole network",
}
"""Parts that `network` can mark as the reader's place; ``"stage 1"`` and so on are others."""

_PARTS: Boxes = UNITS | {AttentionModule: "attention module", BAM: "BAM"}
BAR = 7.0  # height of a unit
INNER = 46.0  # width of what stands in a column
SPACE = 5.0  # between the parts of a column


@dataclass(frozen=True)
class _Column:
    """The stem, a stage or the head.

    Attributes:
        name: its heading.
        parts: what an image meets in it.
        sizes: of what leaves it.
    """

    name: str
    parts: tuple[Step, ...]
    sizes: Sizes


def network(
    of: str | NetworkConfig | ResidualAttentionNetwork,
    *,
    here: str | None = None,
    size: int | tuple[int, int] | None = None,
    **options: object,
) -> Drawing:
    """A whole network with every unit and module, and the size of the map after each stage.

    >>> print(network("attention56", here="mask").title)
    attention56: you are at the soft mask

    Args:
        of: the name of a preset, a configuration, or a network.
        here: a key of `PLACES`, or a stage such as ``"stage 2"``; it is marked.
        size: side of the image, or (height, width); the configuration's by default.
        options: of `resattn.create_model`, for a preset's name.

    Raises:
        ValueError: for an unknown name or place.
    """
    if isinstance(of, ResidualAttentionNetwork):
        model, name = of, "The network"
    else:
        config = configured(of, options) if isinstance(of, str) else of
        name = of if isinstance(of, str) else "The network"
        with torch.device("meta"):
            model = ResidualAttentionNetwork(config)
    config = model.config
    side = config.image_size if size is None else size
    high, wide = (side, side) if isinstance(side, int) else side
    image = (config.in_channels, high, wide)
    columns = _columns(model, image)
    if here is not None:
        check_choice("place", here, [*PLACES, *(c.name for c in columns if "stage" in c.name)])
    modules = [module for _, module in model.attention_modules()]
    units = _units(model)
    caption = (
        f"An image of {'×'.join(map(str, image))} becomes {columns[-1].sizes[0]} logits, one per "
        f"class, through {units} units"
    )
    held = sum(map(_units, modules))
    caption += f", {held} of them in {counted(len(modules), 'attention module')}." if held else "."
    title = f"{name}, {config.depth} layers deep"
    if here:
        title = f"{name}: you are at {PLACES.get(here, here)}"

    def make(scale: float) -> Drawing:
        style = Style(scale)
        picture = _strip(model, columns, here, style)
        return page(title, picture, caption, _told(model, columns, image), style)

    return fitted(make)


def _units(module: nn.Module) -> int:
    return sum(isinstance(part, UNIT_CLASSES) for part in module.modules())


def _columns(model: ResidualAttentionNetwork, image: Sizes) -> list[_Column]:
    """The parts of a network by stage, with the sizes that a forward pass showed."""
    found = list(steps(trace(model, image, whole=_PARTS).flow))
    columns = []
    for prefix, name in [
        ("stem", "stem"),
        *((f"stages.{i}", f"stage {i + 1}") for i in range(len(model.stages))),
        ("head", "head"),
    ]:
        parts = tuple(s for s in found if any(f"{n}.".startswith(f"{prefix}.") for n in s.names))
        columns.append(_Column(name, parts, parts[-1].sizes))
    return columns


def _strip(
    model: ResidualAttentionNetwork, columns: Sequence[_Column], here: str | None, style: Style
) -> Block:
    """Columns from left to right, joined by arrows, with sizes under them."""
    shapes: list[Shape] = []
    pitch = max(
        INNER + 2 * SPACE + 16,
        max(width(words, style.small) for c in columns for words in _size_lines(c.sizes)) + 8,
    )
    bodies = [_body(model, column, here) for column in columns]
    top, high = style.line + 4, max(body.height for body in bodies)
    middle = top + 18
    half = INNER / 2 + SPACE
    for i, (column, body) in enumerate(zip(columns, bodies, strict=True)):
        x = i * pitch
        start = x - pitch + half if i else x - half - 16
        shapes.append(Line(((start, middle), (x - half, middle)), head=True))
        role: Role = "here" if here in (column.name, "network") else "plain"
        bold = here == column.name
        shapes.append(Text(x, style.line - 3, column.name, style.text * 0.95, "middle", bold=bold))
        box = rectangle(x - half, top, 2 * half, high, role, radius=6, kind="panel")
        shapes += [box, *body.at(x, top)]
        for line, words in enumerate(_size_lines(column.sizes), 1):
            y = top + high + 2 + line * 1.15 * style.small
            shapes.append(Text(x, y, words, style.small, "middle", faint=True))
    return block(shapes, top + high + 4 + 2.4 * style.small)


def _size_lines(sizes: Sizes) -> tuple[str, ...]:
    if len(sizes) == 3:
        return f"{sizes[1]}×{sizes[2]}", f"{sizes[0]} ch."
    return (str(sizes[0]), "logits")


def _body(model: ResidualAttentionNetwork, column: _Column, here: str | None) -> Block:
    """The units and modules of a column, from top to bottom."""
    shapes: list[Shape] = []
    y = SPACE
    for part in column.parts:
        module = model.get_submodule(part.names[0]) if part.names else None
        if isinstance(module, AttentionModule):
            piece = _module(module, model.config, here)
        else:
            piece = _bar(part, here, column.name)
        shapes += [shape.moved(0, y) for shape in piece.shapes]
        y += piece.height + SPACE
    return Block(tuple(shapes), INNER / 2, INNER / 2, y)


def _bar(part: Step, here: str | None, column: str) -> Block:
    """A unit, a layer of stem or head, or a BAM."""
    kind = {"unit": "unit", "BAM": "gate"}.get(part.label, column)
    role: Role = "here" if here == kind else "gate" if kind == "gate" else "unit"
    wide = INNER if part.label == "unit" else INNER * 0.7
    return Block((rectangle(-wide / 2, 0, wide, BAR, role, radius=2),), wide / 2, wide / 2, BAR)


def _module(module: AttentionModule, config: NetworkConfig, here: str | None) -> Block:
    """Trunk at the left, mask at the right, their merge below; p units before and after."""

    def role(name: str, usual: Role) -> Role:
        return "here" if here in (name, "module") else usual

    def bars(count: int, y: float) -> list[Shape]:
        kind = role("unit", "unit")
        return [
            rectangle(-INNER / 2 + 4, y + i * (BAR + 2), INNER - 8, BAR, kind, radius=2)
            for i in range(count)
        ]

    shapes: list[Shape] = bars(config.p, 4)
    top = 4 + config.p * (BAR + 2) + 4
    deep = max(26.0, config.t * (BAR + 2) - 2)
    left, right = -INNER / 4, INNER / 4 - 2
    join = top + deep + 8
    shapes.append(Line(((left, top - 6), (left, join))))
    trunk = role("trunk", "here" if here == "unit" else "trunk")
    for i in range(config.t):
        y = top + (deep - config.t * (BAR + 2) + 2) / 2 + i * (BAR + 2)
        shapes.append(rectangle(left - 7, y, 14, BAR, trunk, radius=2))
    if module.mask is not None:
        shapes.append(
            Line(((left, top - 3), (right, top - 3), (right, join), (left, join)), "mask")
        )
        rim, waist = 9.0, 3.0 if config.mask == "hourglass" else 9.0
        sides = [(rim, top), (waist, top + deep / 2), (rim, top + deep)]
        outline = [(right + x, y) for x, y in sides]
        outline += [(right - x, y) for x, y in reversed(sides)]
        shapes.append(Area(tuple(outline), role("mask", "mask")))
        shapes.append(Disc(left, join, 4, role("merge", "mask")))
    shapes += bars(config.p, join + 7)
    high = join + 7 + config.p * (BAR + 2) + 2
    frame = rectangle(-INNER / 2, 0, INNER, high, role("module", "plain"), radius=4, kind="frame")
    return Block((frame, *shapes), INNER / 2, INNER / 2, high)


def _told(model: ResidualAttentionNetwork, columns: Sequence[_Column], image: Sizes) -> list[str]:
    """The network in words, stage by stage."""
    sentences = [f"The image has {spoken(image)}."]
    for column in columns:
        counts: dict[str, int] = {}
        for part in column.parts:
            label = " ".join(part.label.split())
            counts[label] = counts.get(label, 0) + 1
        parts = ", ".join(counted(n, label) for label, n in counts.items())
        sentences.append(f"{column.name}: {parts}; then {spoken(column.sizes)}.")
    config = model.config
    if config.has_masks:
        sentences.append(
            f"Each attention module has {counted(config.p, 'unit')} before the split and after "
            f"the merge, {counted(config.t, 'unit')} in its trunk, and a mask."
        )
    return sentences
