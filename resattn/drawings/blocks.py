"""Drawings of real modules: units, masks, attention modules, gates, and a student's own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from torch import nn

from resattn.drawings.flow import Sizes, tidied
from resattn.drawings.labels import Boxes
from resattn.drawings.layout import below, beside, flow_block, headed
from resattn.drawings.page import MARGIN, Drawing, fitted, page
from resattn.drawings.shapes import Block
from resattn.drawings.steps import Style, channels_and_map
from resattn.drawings.trace import Trace, trace
from resattn.drawings.words import told
from resattn.gates import BAM, CBAM, ChannelGate, SpatialGate, SqueezeExcitation

GAP = 14.0
ROOM = 476.0
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

    >>> from torch import nn
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
    return drawn({n: replace(t, flow=tidied(t.flow)) for n, t in traces.items()}, title, caption)


GATES = (SqueezeExcitation, ChannelGate, SpatialGate, CBAM, BAM)


def drawn(
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
