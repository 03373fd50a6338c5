"""Soft masks, attention modules, and the rules that merge trunk and mask."""

from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn

from resattn.attention import AttentionModule
from resattn.drawings.blocks import drawn
from resattn.drawings.flow import Flow, Fork, Group, Step, changed, steps, tidied
from resattn.drawings.labels import HEADS, MASKS, UNITS
from resattn.drawings.page import Drawing
from resattn.drawings.steps import map_alone
from resattn.drawings.trace import Trace, trace
from resattn.drawings.words import counted


def hourglass(mask: nn.Module, size: int | tuple[int, int] = 56) -> Drawing:
    """A soft mask branch with the size of the map on every edge.

    The wider a box, the larger its map. Units are drawn as boxes, see `units` for their inside.

    >>> from resattn import create_model
    >>> module = create_model("attention56").stages[0][1]
    >>> hourglass(module.mask, size=56).save("hourglass.svg")  # doctest: +SKIP

    Args:
        mask: an `HourglassMask`, a `LocalConvolutionMask`, or a student's own.
        size: side of the map that it reads, or (height, width).

    Raises:
        ValueError: for a map that is too small for the mask's poolings.
    """
    high, wide = (size, size) if isinstance(size, int) else size
    channels = _channels(mask)
    found = trace(mask, (channels, high, wide), whole=UNITS | HEADS, role="mask")
    flow = tidied(found.flow)
    pools = [step for step in steps(flow) if step.kind == "pool"]
    smallest = min((step.sizes for step in steps(flow)), key=lambda sizes: sizes[-1])
    if pools:
        title = f"The soft mask: an hourglass with {counted(len(pools), 'pooling')}"
        far = 2 ** len(pools)
        caption = (
            f"All maps have {channels} channels. At {map_alone(smallest)} a 3×3 convolution "
            f"reaches {far} times as far as at {map_alone(found.sizes)}"
        )
        skips = any(step.role == "skip" for step in steps(flow))
        caption += "; each skip (purple) brings back where things are." if skips else "."
    else:
        title = "The local mask: no pooling"
        caption = (
            f"All maps have {channels} channels and keep their size, so that each value of the "
            "mask sees only its neighbourhood."
        )
    return drawn(
        {"": replace(found, flow=flow)}, title, caption, words=map_alone, narrowest=smallest[-1]
    )


def attention_module(
    module: AttentionModule, size: int | tuple[int, int] = 56, *, inside: bool = False
) -> Drawing:
    """An attention module: p units, the split into trunk and mask, the merge, p units.

    Args:
        module: with any merge rule.
        size: side of the map that it reads, or (height, width).
        inside: True draws the mask's inside too; `hourglass` draws it alone.

    Raises:
        ValueError: for a map that is too small for the mask's poolings.
    """
    high, wide = (size, size) if isinstance(size, int) else size
    boxes = UNITS | HEADS if inside else UNITS | MASKS
    found = trace(module, (_channels(module), high, wide), whole=boxes)
    flow = tuple(_framed(item) for item in _with_symbols(tidied(found.flow)))
    rule = {"arl": "H = (1 + M) · T", "nal": "H = M · T", "none": "H = T"}[module.merge]
    channels = f"All maps have {found.sizes[0]} channels."
    caption = f"Trunk T and mask M read the same map, and their values meet in {rule}. {channels}"
    if module.mask is None:
        caption = f"Without a mask the module is a row of units: {rule}. {channels}"
    return drawn({"": replace(found, flow=flow)}, "An attention module", caption, words=map_alone)


def _with_symbols(flow: Flow) -> Flow:
    """The flow of an attention module with T, M and H before the sizes on its edges."""
    items: list[Step | Fork | Group] = []
    for item in flow:
        if isinstance(item, Fork):
            item = replace(item, branches=tuple(map(_symbol_at_end, item.branches)))
        elif isinstance(item, Step) and item.kind == "product":
            item = replace(item, carries=f"H: {map_alone(item.sizes)}")
        items.append(item)
    return tuple(items)


def _symbol_at_end(way: Flow) -> Flow:
    """A branch whose last edges say T, or M and 1 + M."""
    marked = list(way)
    for place in (-2, -1):
        step = marked[place] if len(marked) >= -place else None
        if isinstance(step, Step) and (place == -1 or _adds_one(marked[-1])):
            symbol = {"trunk": "T", "mask": "M"}.get(step.role, "")
            symbol = "1 + M" if step.kind == "one" else symbol
            marked[place] = replace(step, carries=f"{symbol}: {map_alone(step.sizes)}")
    return tuple(marked)


def _adds_one(item: Step | Fork | Group) -> bool:
    return isinstance(item, Step) and item.kind == "one"


def _framed(item: Step | Fork | Group) -> Step | Fork | Group:
    """The fork of an attention module with a frame round its trunk, and round a mask's inside."""
    if not isinstance(item, Fork):
        return item
    ways: list[Flow] = []
    for way in item.branches:
        roles = {step.role for step in steps(way)}
        if "trunk" in roles:
            ways.append((Group("trunk T", "trunk", way),))
        elif len(way) > 2:
            ways.append((Group("mask M", "mask", way),))
        else:
            ways.append(way)
    return replace(item, branches=tuple(ways))


def merge_rules() -> Drawing:
    """The three ways to merge trunk and mask, each with one value followed through it.

    The numbers are what `resattn.attention.merge` computes for T = 2 and M = 0.5.
    """
    T, M = 2.0, 0.5
    blocks: dict[str, Trace] = {}
    results: dict[str, float] = {}
    for rule in MERGE_WORDS:
        mask = None if rule == "none" else _Constant(M)
        module = AttentionModule(
            before=nn.Identity(), trunk=_Constant(T), mask=mask, after=nn.Identity(), rule=rule
        )
        found = trace(module, (1, 1, 1), whole={_Constant: ""})
        with torch.no_grad():
            results[rule] = float(module(torch.ones(1, 1, 1, 1)))
        flow = changed(found.flow, partial(_with_value, T=T, M=M, result=results[rule]))
        blocks[MERGE_WORDS[rule]] = Trace((), flow)
    nal, arl = results["nal"], results["arl"]
    return drawn(
        blocks,
        "Three merge rules",
        f"A mask value of {M:g} turns T = {T:g} into {nal:g} under naive attention and into "
        f"{arl:g} under attention residual learning, which never makes T smaller.",
    )


MERGE_WORDS = {
    "none": "no mask\nH = T",
    "nal": "naive (NAL)\nH = M · T",
    "arl": "residual (ARL)\nH = (1 + M) · T",
}
"""Name and formula of each rule of `resattn.attention.merge`."""


class _Constant(nn.Module):
    """A branch whose output is one value everywhere, whatever it reads."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W) -> (B, C, H, W)
        return torch.full_like(x, self.value)


def _with_value(step: Step, *, T: float, M: float, result: float) -> Step:
    """A step of a merge with the number that leaves it, in place of its size."""
    if step.kind == "one":
        return replace(step, sizes=(), carries=f"{1 + M:g}")
    if step.kind == "product":
        return replace(step, sizes=(), carries=f"H = {result:g}")
    if step.role == "trunk":
        return replace(step, sizes=(), label="trunk T", carries=f"T = {T:g}")
    return replace(step, sizes=(), label="mask M", carries=f"M = {M:g}")


def _channels(module: nn.Module) -> int:
    """The channels that a module reads: those of its first convolution or norm."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            return part.in_channels
        if isinstance(part, nn.BatchNorm2d):
            return part.num_features
    raise ValueError(
        f"{type(module).__name__} has no convolution that would tell its channels; "
        "use draw with sizes (C, H, W)"
    )
