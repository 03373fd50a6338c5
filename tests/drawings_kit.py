"""All drawings that the tests look at, and whether anything in one lies on something else."""

from collections.abc import Callable, Iterator
from functools import cache

import torch
from torch import Tensor, nn

from resattn import create_model, drawings
from resattn.attention import AttentionModule
from resattn.drawings import Drawing
from resattn.drawings.shapes import Area, Disc, Extent, Line, Text
from resattn.gates import BAM, CBAM, SqueezeExcitation
from resattn.network import ResidualAttentionNetwork


@cache
def on_meta(name: str, **options) -> ResidualAttentionNetwork:
    """A network that takes no memory."""
    with torch.device("meta"):
        return create_model(name, **options)


def first_module(name: str, stage: int = 0, **options) -> AttentionModule:
    """The first attention module of a stage."""
    return next(m for m in on_meta(name, **options).stages[stage] if isinstance(m, AttentionModule))


class Student(nn.Module):
    """What a student may hand to `draw`: functions, a scaled shortcut, a sum that is used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = 0.5 * x + torch.relu(self.first(x))
        return torch.sigmoid(self.second(y)) * y


def _attention(**options) -> Callable[[], Drawing]:
    return lambda: drawings.attention_module(first_module("attention56", **options), inside=True)


DRAWINGS: dict[str, Callable[[], Drawing]] = {
    "units": drawings.units,
    "one unit": lambda: drawings.units("Inception", channels=512, size=7),
    "three units": lambda: drawings.units("plain", "residual", "pre-activation"),
    "hourglass": lambda: drawings.hourglass(first_module("attention56").mask),
    "odd hourglass": lambda: drawings.hourglass(first_module("attention56").mask, (57, 31)),
    "large hourglass": lambda: drawings.hourglass(
        first_module("attention56", poolings=(4, 3, 2)).mask, 160
    ),
    "no skips": lambda: drawings.hourglass(first_module("attention56", skips=False).mask, 56),
    "one pooling": lambda: drawings.hourglass(first_module("attention56", 2).mask, 14),
    "transposed": lambda: drawings.hourglass(
        first_module("attention56", upsampling="transposed", final_norm=True).mask
    ),
    "local": lambda: drawings.hourglass(first_module("attention56", mask="local").mask, 28),
    "module": lambda: drawings.attention_module(first_module("attention56")),
    "module inside": _attention(),
    "module, NAL": _attention(merge="nal"),
    "module, f2": _attention(activation="channel"),
    "module, no mask": _attention(merge="none"),
    "deep module": lambda: drawings.attention_module(
        first_module("cifar_attention56", p=2, t=4, r=3), (9, 8)
    ),
    "merge rules": drawings.merge_rules,
    "paths": drawings.signal_and_gradient,
    "long paths": lambda: drawings.signal_and_gradient(6, 0.25),
    "gates": drawings.gates,
    "wide gates": lambda: drawings.gates(2048, 112),
    "activations": drawings.mask_activations,
    "label noise": drawings.label_noise,
    "much noise": lambda: drawings.label_noise(0.3, 0.25, seed=3),
    "exercises": drawings.checked_and_graded,
    "SE": lambda: drawings.draw(SqueezeExcitation(64), (64, 9, 7)),
    "CBAM": lambda: drawings.draw(CBAM(64), (64, 56, 55)),
    "BAM": lambda: drawings.draw(BAM(64), (64, 28, 28)),
    "student": lambda: drawings.draw(Student(), (4, 6, 5), caption="Nothing is typed by hand."),
    "attention56": lambda: drawings.network("attention56"),
    "attention92": lambda: drawings.network("attention92", here="stage 2"),
    "next": lambda: drawings.network("attentionnext56", here="head", size=(225, 301)),
    "128": lambda: drawings.network("cifar_attention128", here="merge", p=2, t=4),
    "resnet": lambda: drawings.network("cifar_resnet164", here="unit"),
    "bam": lambda: drawings.network("bam_resnet50", here="gate"),
    "small": lambda: drawings.network("small_attention16", here="network", mask="local"),
}
"""Every kind of drawing, some of them with unusual sizes."""


@cache
def drawing(name: str) -> Drawing:
    """One of `DRAWINGS`, made once."""
    return DRAWINGS[name]()


def texts(found: Drawing) -> list[Text]:
    """The lines of text of a drawing."""
    return [shape for shape in found.shapes if isinstance(shape, Text)]


def edge_words(found: Drawing) -> list[Text]:
    """The words on a drawing's edges, from top to bottom."""
    return sorted((t for t in texts(found) if t.faint), key=lambda t: (t.y, t.x))


def collisions(found: Drawing) -> Iterator[str]:
    """Each text that lies on something which is not its own, in words."""
    every = texts(found)
    for i, text in enumerate(every):
        left, top, right, bottom = text.extent
        if left < 0 or top < 0 or right > found.width or bottom > found.height:
            yield f"{text.text!r} leaves the page"
        for other in every[i + 1 :]:
            if _meet(text.extent, other.extent):
                yield f"{text.text!r} lies on {other.text!r}"
        for shape in found.shapes:
            if isinstance(shape, Area) and _meet(text.extent, shape.extent):
                if not all(_inside(corner, shape.points) for corner in _corners(text.extent)):
                    yield f"{text.text!r} crosses the outline of a {shape.role} {shape.kind}"
            elif isinstance(shape, Disc) and _meet(text.extent, shape.extent):
                yield f"{text.text!r} lies on a sign"
            elif isinstance(shape, Line) and any(_meet(text.extent, s) for s in _strips(shape)):
                yield f"{text.text!r} lies on a {shape.role} line"


def _meet(a: Extent, b: Extent) -> bool:
    return a[0] < b[2] - 0.1 and b[0] < a[2] - 0.1 and a[1] < b[3] - 0.1 and b[1] < a[3] - 0.1


def _corners(extent: Extent) -> list[tuple[float, float]]:
    left, top, right, bottom = extent
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def _inside(point: tuple[float, float], polygon: tuple[tuple[float, float], ...]) -> bool:
    """Whether a point lies in a polygon: a ray from it meets the outline an odd number of times."""
    x, y = point
    odd = False
    for (x0, y0), (x1, y1) in zip(polygon, (*polygon[1:], polygon[0]), strict=True):
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) / (y1 - y0) * (x1 - x0):
            odd = not odd
    return odd


def _strips(line: Line) -> Iterator[Extent]:
    """The room of each straight part of a line."""
    half = line.thickness / 2
    for (x0, y0), (x1, y1) in zip(line.points, line.points[1:], strict=False):
        yield min(x0, x1) - half, min(y0, y1) - half, max(x0, x1) + half, max(y0, y1) + half
