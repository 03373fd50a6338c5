"""Drawings of real modules: units, masks, attention modules, gates, and a student's own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from resattn.attention import AttentionModule
from resattn.checks import check_at_least, check_choice
from resattn.cost import count_parameters
from resattn.drawings.flow import Flow, Fork, Group, Sizes, Step, changed, steps, tidied
from resattn.drawings.layout import (
    Style,
    below,
    beside,
    channels_and_map,
    flow_block,
    headed,
    map_alone,
)
from resattn.drawings.page import MARGIN, Drawing, fitted, page
from resattn.drawings.shapes import Block
from resattn.drawings.trace import HEADS, MASKS, UNITS, Boxes, Trace, trace
from resattn.drawings.words import told
from resattn.gates import BAM, CBAM, ChannelGate, SpatialGate, SqueezeExcitation
from resattn.masks import HourglassMask, MaskHead
from resattn.units import (
    InceptionUnit,
    PostActBottleneck,
    PreActBottleneck,
    conv3x3,
    norm_relu,
)

GAP = 14.0
ROOM = 460.0
"""Width of a row of blocks, above which the next one starts a new row."""


def draw(
    module: nn.Module,
    sizes: Sizes,
    *,
    title: str = "",
    caption: str = "",
    whole: Boxes | None = None,
) -> Drawing:
    """The drawing of any module, as one forward pass shows it.

    >>> print(draw(nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU()), (1, 8, 8)).alt)
    Sequential. Input: 1 channel of 8 by 8. 3×3 conv (4 channels of 6 by 6); then ReLU.

    Args:
        module: maps one tensor to one tensor; it is left as it was.
        sizes: of its input for one image, such as (C, H, W).
        title: what it is; its class's name by default.
        caption: what the reader should see in it.
        whole: classes, or names of attributes, that are drawn as one box, with the box's text.

    Raises:
        ValueError: if the paths through the module cross.
    """
    return side_by_side(
        {"": module}, sizes, title=title or type(module).__name__, caption=caption, whole=whole
    )


def side_by_side(
    modules: Mapping[str, nn.Module],
    sizes: Sizes | Mapping[str, Sizes],
    *,
    title: str,
    caption: str = "",
    whole: Boxes | None = None,
) -> Drawing:
    """Several modules beside each other, each under its name.

    Args:
        modules: by the heading of each; a heading may have several lines.
        sizes: of the input for one image; or one for each heading.
        title, caption, whole: see `draw`.

    Raises:
        ValueError: as `draw`.
    """
    traces = {
        name: trace(
            module,
            sizes[name] if isinstance(sizes, Mapping) else sizes,
            whole=whole,
            role="gate" if isinstance(module, GATES) else "unit",
        )
        for name, module in modules.items()
    }
    return _drawn({n: replace(t, flow=tidied(t.flow)) for n, t in traces.items()}, title, caption)


GATES = (SqueezeExcitation, ChannelGate, SpatialGate, CBAM, BAM)
UNIT_KINDS = ("plain", "residual", "pre-activation", "bottleneck", "ResNeXt", "Inception")


def units(*kinds: str, channels: int = 256, size: int = 56) -> Drawing:
    """Units side by side: what stands in the branch, and what the shortcut meets.

    Plain, residual and pre-activation units have two 3x3 convolutions and a quarter of the
    channels, so that they cost about as much as the three-layer units beside them (He et al. 2015,
    figure 5).

    Args:
        kinds: some of ``"plain"``, ``"residual"``, ``"pre-activation"``, ``"bottleneck"``,
            ``"ResNeXt"`` and ``"Inception"``; all of them by default.
        channels: of the three-layer units; a multiple of 128.
        size: side of the map.

    Raises:
        ValueError: for an unknown kind, or channels that are no multiple of 128.
    """
    for kind in kinds:
        check_choice("unit", kind, UNIT_KINDS)
    check_at_least("size", size, 1)
    if channels % 128 or channels < 128:
        nearest = max(1, round(channels / 128)) * 128
        raise ValueError(
            f"units are drawn for channels that 128 divides, got {channels}; take {nearest}"
        )
    few = channels // 4
    with torch.device("meta"):
        built = {
            "plain": _Pair(few, "plain"),
            "residual": _Pair(few, "residual"),
            "pre-activation": _Pair(few, "pre-activation"),
            "bottleneck": PreActBottleneck(channels, channels, width=few),
            "ResNeXt": PostActBottleneck(channels, channels, width=channels // 2, groups=32),
            "Inception": InceptionUnit(channels, channels, width=few),
        }
    chosen = {kind: built[kind] for kind in kinds or UNIT_KINDS}
    names = {k: f"{k}\n{count_parameters(m):,} weights" for k, m in chosen.items()}
    entering = {
        names[k]: (few if isinstance(m, _Pair) else channels, size, size) for k, m in chosen.items()
    }
    return side_by_side(
        {names[kind]: module for kind, module in chosen.items()},
        entering,
        title="Units, side by side" if len(chosen) > 1 else f"The {next(iter(chosen))} unit",
        caption="The shortcut (purple) adds a unit's input to what its branch computed. In "
        "pre-activation order nothing stands on the shortcut or after the sum.",
    )


class _Pair(nn.Module):
    """Two 3x3 convolutions: in a row, or as the branch of a residual unit in either order."""

    def __init__(self, channels: int, order: str) -> None:
        super().__init__()
        conv = [conv3x3(channels, channels) for _ in range(2)]
        last: list[nn.Module] = []
        if order == "pre-activation":
            parts = [norm_relu(channels), conv[0], norm_relu(channels), conv[1]]
        else:
            parts = [conv[0], norm_relu(channels), conv[1], nn.BatchNorm2d(channels)]
            last = [nn.ReLU()]
        self.order, self.branch, self.last = order, nn.Sequential(*parts), nn.Sequential(*last)

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W) -> (B, C, H, W)
        y = self.branch(x)
        return self.last(y if self.order == "plain" else x + y)


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
        title = f"The soft mask: an hourglass with {_number(len(pools), 'pooling')}"
        caption = (
            f"All maps have {channels} channels. At {map_alone(smallest)} one unit sees most of "
            "the map; the upsamplings bring the answer back to full size"
        )
        skips = any(step.role == "skip" for step in steps(flow))
        caption += ", and each skip (purple) adds the position of things." if skips else "."
    else:
        title = "The local mask: no pooling"
        caption = (
            f"All maps have {channels} channels and keep their size, so that each value of the "
            "mask sees only its neighbourhood."
        )
    return _drawn(
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
    return _drawn({"": replace(found, flow=flow)}, "An attention module", caption, words=map_alone)


def _with_symbols(flow: Flow) -> Flow:
    """The flow of an attention module with T, M and H before the sizes on its edges."""
    items: list[Step | Fork | Group] = []
    for item in flow:
        if isinstance(item, Fork):
            item = replace(item, branches=tuple(map(_symbol_at_end, item.branches)))
        elif isinstance(item, Step) and item.kind == "product":
            item = replace(item, carries=f"H  {map_alone(item.sizes)}")
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
            marked[place] = replace(step, carries=f"{symbol}  {map_alone(step.sizes)}")
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
        flow = changed(found.flow, lambda step, rule=rule: _with_value(step, T, M, results[rule]))
        blocks[MERGE_WORDS[rule]] = Trace((), flow)
    nal, arl = results["nal"], results["arl"]
    return _drawn(
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


def _with_value(step: Step, T: float, M: float, result: float) -> Step:
    """A step of a merge with the number that leaves it, in place of its size."""
    if step.kind == "one":
        return replace(step, sizes=(), carries=f"{1 + M:g}")
    if step.kind == "product":
        return replace(step, sizes=(), carries=f"H = {result:g}")
    if step.role == "trunk":
        return replace(step, sizes=(), label="trunk T", carries=f"T = {T:g}")
    return replace(step, sizes=(), label="mask M", carries=f"M = {M:g}")


def gates(channels: int = 256, size: int = 56) -> Drawing:
    """SE, CBAM, BAM and the Residual Attention Network: where each puts its gate.

    Each is drawn from a real module with its gate or mask as one box. `draw` shows the inside:
    ``draw(resattn.gates.CBAM(256), (256, 56, 56))``.

    Args:
        channels: of the map; a multiple of 16.
        size: side of the map.
    """
    inner = channels // 4
    with torch.device("meta"):

        def unit(gate: type[nn.Module] | None = None) -> PreActBottleneck:
            return PreActBottleneck(channels, channels, width=inner, gate=gate)

        def pair() -> nn.Sequential:
            return nn.Sequential(unit(), unit())

        head = MaskHead(channels, preact=True)
        mask = HourglassMask(channels, unit, poolings=3, r=1, head=head)
        after = nn.Sequential()
        after.add_module("unit", unit())
        after.add_module("gate", BAM(channels))
        modules = {
            "SE\ninside the branch": unit(SqueezeExcitation),
            "CBAM\ninside the branch": unit(CBAM),
            "BAM\non the main path": after,
            "RAN\non the main path": AttentionModule(
                before=nn.Identity(), trunk=pair(), mask=mask, after=nn.Identity()
            ),
        }
    whole = UNITS | MASKS | {"branch": "branch F"}
    blocks: dict[str, Trace] = {}
    for name, module in modules.items():
        boxes = dict(whole)
        if isinstance(module, PreActBottleneck):
            del boxes[PreActBottleneck]
        found = trace(module, (channels, size, size), whole=boxes)
        blocks[name] = replace(found, flow=_gates_closed(tidied(found.flow)))
    return _drawn(
        blocks,
        "Four gates, one layout",
        "SE and CBAM multiply inside the branch, so the shortcut (purple) stays whole. BAM and "
        "RAN multiply the main path itself, and therefore add 1 to the gate first.",
    )


def _gates_closed(flow: Flow) -> Flow:
    """The flow with each gate's inside drawn as one box; 1 + stays."""
    closed: list[Step | Fork | Group] = []
    for item in flow:
        if isinstance(item, Fork):
            ways = [_gates_closed(way) for way in item.branches]
            item = replace(item, branches=tuple(map(_one_gate, ways)))
        closed.append(item)
    return tuple(closed)


def _one_gate(way: Flow) -> Flow:
    found = list(steps(way))
    if not found or any(step.role != "gate" for step in found) or isinstance(way[-1], Fork):
        return way
    tail = tuple(step for step in found[-1:] if step.kind == "one")
    last = found[-1 - len(tail)]
    names = tuple(name for step in found for name in step.names)
    if last.sizes[1:] == (1, 1):
        label = "channel gate"
    else:
        label = "spatial gate" if last.sizes[0] == 1 else "channel and\nspatial gate"
    return (Step(label, role="gate", sizes=last.sizes, names=names), *tail)


def _drawn(
    blocks: Mapping[str, Trace],
    title: str,
    caption: str,
    *,
    words: Callable[[Sizes], str] = channels_and_map,
    narrowest: int | None = None,
) -> Drawing:
    """Traces as a page: headed blocks in as many rows as they need."""

    def make(scale: float) -> Drawing:
        style = Style(scale, words=words, narrowest=narrowest)
        made = [
            headed(name, flow_block(found.flow, found.sizes, style), style)
            if name
            else flow_block(found.flow, found.sizes, style)
            for name, found in blocks.items()
        ]
        picture = below([beside(row, GAP) for row in rows(made, ROOM * scale)], 22)
        alt = [
            " ".join(f"{name}: {told(found.flow, found.sizes)}".split()).removeprefix(": ")
            for name, found in blocks.items()
        ]
        return page(title, picture, caption, alt, style)

    return fitted(make)


def rows(blocks: Sequence[Block], room: float) -> list[list[Block]]:
    """Blocks in rows, each filled before the next one starts."""
    filled: list[list[Block]] = [[]]
    used = 0.0
    for each in blocks:
        if filled[-1] and used + GAP + each.width > room - 2 * MARGIN:
            filled.append([])
            used = -GAP
        elif not filled[-1]:
            used = -GAP
        filled[-1].append(each)
        used += GAP + each.width
    return filled


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


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
