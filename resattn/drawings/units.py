"""Units side by side."""

import torch
from torch import Tensor, nn

from resattn.checks import check_at_least, check_choice
from resattn.cost import count_parameters
from resattn.drawings.blocks import side_by_side
from resattn.drawings.page import Drawing
from resattn.units import InceptionUnit, PostActBottleneck, PreActBottleneck, conv3x3, norm_relu

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
