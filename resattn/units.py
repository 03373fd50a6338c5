"""Residual units: the bricks of trunk and mask.

Three kinds, each mapping ``(B, in_channels, H, W)`` to ``(B, out_channels, H', W')`` with
``H' = ceil(H / stride)``:

========================  =========================  ====================================
kind                      class                      source
========================  =========================  ====================================
``"preact"``              `PreActBottleneck`         He et al. 2016, arXiv 1603.05027
``"post"``                `PostActBottleneck`        He 2015 (groups 1), ResNeXt (groups 32)
``"inception"``           `InceptionUnit`            a reading of Szegedy et al. 2016
========================  =========================  ====================================
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

UNIT_KINDS = ("preact", "post", "inception")

GateBuilder = Callable[[int], nn.Module]
"""Builds a gate for a number of channels; the gate maps ``(B, C, H, W)`` to the same shape."""


def conv1x1(in_channels: int, out_channels: int, stride: int = 1) -> nn.Conv2d:
    """A 1x1 convolution without bias."""
    return nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False)


def conv3x3(in_channels: int, out_channels: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    """A 3x3 convolution without bias, padded by 1 so that stride 1 keeps the map's size."""
    return nn.Conv2d(
        in_channels, out_channels, 3, stride=stride, padding=1, groups=groups, bias=False
    )


def projection(in_channels: int, out_channels: int, stride: int) -> nn.Conv2d | None:
    """The 1x1 convolution of a shortcut that changes the shape; None where it is the identity."""
    same = in_channels == out_channels and stride == 1
    return None if same else conv1x1(in_channels, out_channels, stride)


def norm_relu(channels: int) -> nn.Sequential:
    """Batch norm, then ReLU. In place: backward needs BN's input and ReLU's output only."""
    return nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU(inplace=True))


class PreActBottleneck(nn.Module):
    """Pre-activation bottleneck: BN-ReLU before each of 1x1, 3x3, 1x1; the sum stays raw.

    ``y = shortcut + gate(branch(BN-ReLU(x)))``. Where the shape does not change, the shortcut is
    the raw ``x``: the identity path meets no operation at all. Where channels or stride change, it
    is a 1x1 projection of the **pre-activated** input, without a BN of its own, as in the released
    networks. The stride sits on the 3x3.

    Args:
        in_channels, out_channels: channels of input and output.
        width: channels of the two inner maps.
        stride: of the 3x3 and of the projection.
        groups: groups of the 3x3.
        gate: builds a gate that is applied to the branch before the sum (SE, CBAM).

    Source: He et al. 2016 (arXiv 1603.05027), figure 4e; shortcut as released by the RAN authors.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        width: int,
        stride: int = 1,
        groups: int = 1,
        gate: GateBuilder | None = None,
    ) -> None:
        super().__init__()
        self.preact = norm_relu(in_channels)
        self.branch = nn.Sequential(
            conv1x1(in_channels, width),
            norm_relu(width),
            conv3x3(width, width, stride, groups),
            norm_relu(width),
            conv1x1(width, out_channels),
        )
        self.gate = gate(out_channels) if gate else nn.Identity()
        self.projection = projection(in_channels, out_channels, stride)

    def forward(self, x: Tensor) -> Tensor:  # (B, in, H, W) -> (B, out, H', W')
        activated = self.preact(x)
        shortcut = x if self.projection is None else self.projection(activated)
        return self.gate(self.branch(activated)) + shortcut


class PostActBottleneck(nn.Module):
    """Post-activation bottleneck: conv-BN-ReLU twice, conv-BN, sum, ReLU.

    ``y = ReLU(shortcut + gate(branch(x)))`` with a 1x1 conv and BN as shortcut where the shape
    changes. With ``groups=32`` it is the ResNeXt unit of AttentionNeXt; with ``groups=1`` the unit
    of the classical ResNet-50 (stride on the 3x3, as in torchvision).

    Args: as in `PreActBottleneck`.

    Source: He et al. 2015 (arXiv 1512.03385); Xie et al. 2016 (arXiv 1611.05431), figure 3c.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        width: int,
        stride: int = 1,
        groups: int = 1,
        gate: GateBuilder | None = None,
    ) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            conv1x1(in_channels, width),
            norm_relu(width),
            conv3x3(width, width, stride, groups),
            norm_relu(width),
            conv1x1(width, out_channels),
            nn.BatchNorm2d(out_channels),
        )
        self.gate = gate(out_channels) if gate else nn.Identity()
        conv = projection(in_channels, out_channels, stride)
        self.projection = nn.Sequential(conv, nn.BatchNorm2d(out_channels)) if conv else None
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:  # (B, in, H, W) -> (B, out, H', W')
        shortcut = x if self.projection is None else self.projection(x)
        return self.relu(self.gate(self.branch(x)) + shortcut)


class InceptionUnit(nn.Module):
    """Pre-activation residual unit with three parallel paths: 1x1, 3x3, and two 3x3.

    BN-ReLU, then the paths (each starts with a 1x1 to its own width), concatenated, then BN-ReLU
    and a linear 1x1 to ``out_channels``, then the sum. The paths get a half, a quarter and a
    quarter of ``width``, so the concatenation is as wide as a bottleneck's inner map.

    Departure: the paper names "Inception" units (section 4.2) but neither it nor the authors'
    release gives their layout; this follows the Inception-ResNet-A pattern (Szegedy et al. 2016,
    arXiv 1602.07261, figure 10) in the pre-activation order of the other units. A reading.

    Args: as in `PreActBottleneck`; ``width`` must be divisible by 4, ``groups`` must be 1.

    Raises:
        ValueError: if ``width`` is not divisible by 4, or ``groups`` is not 1.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        width: int,
        stride: int = 1,
        groups: int = 1,
        gate: GateBuilder | None = None,
    ) -> None:
        super().__init__()
        if width % 4:
            raise ValueError(
                f"an inception unit needs a width divisible by 4, got {width}; "
                f"the nearest is {max(4, round(width / 4) * 4)}"
            )
        if groups != 1:
            raise ValueError(f"an inception unit has no grouped form, got groups={groups}; use 1")
        half, quarter = width // 2, width // 4
        self.preact = norm_relu(in_channels)
        self.paths = nn.ModuleList(
            [
                conv1x1(in_channels, half, stride),
                nn.Sequential(
                    conv1x1(in_channels, quarter),
                    norm_relu(quarter),
                    conv3x3(quarter, quarter, stride),
                ),
                nn.Sequential(
                    conv1x1(in_channels, quarter),
                    norm_relu(quarter),
                    conv3x3(quarter, quarter, stride),
                    norm_relu(quarter),
                    conv3x3(quarter, quarter),
                ),
            ]
        )
        self.join = nn.Sequential(norm_relu(width), conv1x1(width, out_channels))
        self.gate = gate(out_channels) if gate else nn.Identity()
        self.projection = projection(in_channels, out_channels, stride)

    def forward(self, x: Tensor) -> Tensor:  # (B, in, H, W) -> (B, out, H', W')
        activated = self.preact(x)
        shortcut = x if self.projection is None else self.projection(activated)
        paths = torch.cat([path(activated) for path in self.paths], dim=1)  # (B, width, H', W')
        return self.gate(self.join(paths)) + shortcut
