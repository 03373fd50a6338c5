"""SE, CBAM, BAM and the Residual Attention Network in one layout."""

from dataclasses import replace

import torch
from torch import nn

from resattn.attention import AttentionModule
from resattn.drawings.blocks import drawn
from resattn.drawings.flow import Flow, Fork, Group, Step, steps, tidied
from resattn.drawings.labels import MASKS, UNITS
from resattn.drawings.page import Drawing
from resattn.drawings.trace import Trace, trace
from resattn.gates import BAM, CBAM, SqueezeExcitation
from resattn.masks import HourglassMask, MaskHead
from resattn.units import PreActBottleneck


def gates(channels: int = 64, size: int = 28) -> Drawing:
    """SE, CBAM, BAM and the Residual Attention Network: where each puts its gate.

    Each is drawn from a real module with its gate or mask as one box. `draw` shows the inside:
    ``draw(resattn.gates.CBAM(64), (64, 28, 28))``.

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
    return drawn(
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
