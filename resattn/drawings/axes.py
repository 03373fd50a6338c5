"""f1, f2 and f3: which values decide one value of the mask."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from resattn.drawings.layout import below
from resattn.drawings.page import Drawing, fitted, page
from resattn.drawings.shapes import Block, Line, Shape, Text, block, rectangle
from resattn.drawings.steps import Style
from resattn.masks import MASK_ACTIVATIONS

IMAGES, CHANNELS, SIDE = 2, 3, 4
CELL = 12.0
AT = (0, 0, 1, 2)
"""The value that is asked about: image, channel, row, column."""


@dataclass(frozen=True)
class _Kind:
    """One activation: its name and formula, and the values that decide one of its outputs."""

    name: str
    formula: str
    reads: Tensor  # bool (N, C, H, W)


_WORDS = {
    "mixed": ("f1, mixed", "sigmoid(x)"),
    "channel": ("f2, channel", "x / length over channels"),
    "spatial": ("f3, spatial", "sigmoid((x − mean) / std)"),
}


def mask_activations() -> Drawing:
    """Which inputs decide one mask value under f1, f2 and f3, found by differentiating each.

    >>> "f1, mixed: sigmoid(x); 1 value decides it." in mask_activations().alt
    True
    """
    kinds = [
        _Kind(*_WORDS[name], reads=_reads(function)) for name, function in MASK_ACTIVATIONS.items()
    ]

    def make(scale: float) -> Drawing:
        style = Style(scale)
        picture = below([_row(kind, style) for kind in kinds], 18)
        caption = (
            f"Each square is one map of {SIDE}×{SIDE} positions. The value with a square in it "
            "depends on the orange ones alone: on itself, on all channels of its position, or on "
            "all positions of its channel. No activation looks at another image."
        )
        alt = [f"{k.name}: {k.formula}; {_count(k.reads)} it." for k in kinds]
        return page("What one value of the mask depends on", picture, caption, alt, style)

    return fitted(make)


def _reads(function: Callable[[Tensor], Tensor]) -> Tensor:
    """Inputs that one output depends on: those in which its derivative is not zero."""
    generator = torch.Generator().manual_seed(0)
    shape = (IMAGES, CHANNELS, SIDE, SIDE)
    x = torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(function(x)[AT], x)
    return slope != 0


def _count(reads: Tensor) -> str:
    n = int(reads.sum())
    return "1 value decides" if n == 1 else f"{n} values decide"


def _row(kind: _Kind, style: Style) -> Block:
    """The maps of all images and channels, under the activation's name."""
    shapes: list[Shape] = []
    side, apart = SIDE * CELL, 8.0
    batch = CHANNELS * side + (CHANNELS - 1) * apart
    total = IMAGES * batch + (IMAGES - 1) * 26
    top = 2.25 * style.line
    heading = f"{kind.name}: {kind.formula}"
    shapes.append(Text(0, 0.8 * style.line, heading, style.text, "middle", bold=True))
    for n in range(IMAGES):
        left = -total / 2 + n * (batch + 26)
        words = f"image {n + 1}"
        shapes.append(Text(left + batch / 2, top - 6, words, style.small, "middle", faint=True))
        for c in range(CHANNELS):
            x = left + c * (side + apart)
            shapes += _map(kind.reads[n, c], x, top, (n, c))
            label = Text(x + side / 2, top + side + 1.1 * style.small, f"ch. {c + 1}", style.small)
            shapes.append(Text(label.x, label.y, label.text, label.size, "middle", faint=True))
    return block(shapes, top + side + 1.4 * style.small)


def _map(reads: Tensor, left: float, top: float, place: tuple[int, int]) -> list[Shape]:
    """The positions of one channel of one image, with those that are read in colour."""
    side = SIDE * CELL
    shapes: list[Shape] = [rectangle(left, top, side, side, "plain", radius=0, kind="panel")]
    for i in range(1, SIDE):
        x, y = left + i * CELL, top + i * CELL
        shapes.append(Line(((x, top), (x, top + side)), "plain", thickness=0.4))
        shapes.append(Line(((left, y), (left + side, y)), "plain", thickness=0.4))
    for row, column in reads.nonzero().tolist():
        x, y = left + column * CELL, top + row * CELL
        shapes.append(rectangle(x, y, CELL, CELL, "mask", radius=0))
    if place == AT[:2]:
        x, y = left + AT[3] * CELL, top + AT[2] * CELL
        shapes.append(rectangle(x + 2.5, y + 2.5, CELL - 5, CELL - 5, "ink", radius=0))
    return shapes
