"""The soft mask branch M(x): what it sees, how it comes back to full size, how it is squashed.

`HourglassMask` is the paper's branch, `LocalConvolutionMask` its rival of table 4. Both give a
mask of the input's shape ``(B, C, H, W)``.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resattn.checks import check_at_least, check_choice
from resattn.resampling import Upsample, check_map_size, is_traced, pool
from resattn.units import conv1x1, norm_relu

MASK_KINDS = ("hourglass", "local")

UnitBuilder = Callable[[], nn.Module]
"""Builds one shape-keeping residual unit for the mask: C channels to C channels, stride 1."""


def mixed_activation(x: Tensor) -> Tensor:
    """f1, equation 4: ``sigmoid(x)`` for each position and channel alone. Values in (0, 1)."""
    return torch.sigmoid(x)


def channel_activation(x: Tensor, eps: float = 1e-12) -> Tensor:
    """f2, equation 5: ``x / ||x||`` with the L2 norm over **channels** at each position.

    No sigmoid: values lie in [-1, 1], and each position's channels have norm 1.
    ``eps`` is the smallest norm divided by; the paper has none, and 0/0 at a zero vector.
    """
    return F.normalize(x, dim=1, eps=eps)


def spatial_activation(x: Tensor, eps: float = 1e-5) -> Tensor:
    """f3, equation 6: ``sigmoid((x - mean) / std)`` over the **positions** of each channel's map.

    Instance normalisation without affine, then a sigmoid. The paper does not state ``eps``; it is
    added to the (biased) variance. Works on a 1x1 map too, where it gives 0.5.
    """
    variance, mean = torch.var_mean(x, dim=(2, 3), keepdim=True, correction=0)
    return torch.sigmoid((x - mean) * torch.rsqrt(variance + eps))


MASK_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "mixed": mixed_activation,
    "channel": channel_activation,
    "spatial": spatial_activation,
}


class MaskHead(nn.Module):
    """Two 1x1 convolutions, C to C without bias, then f1, f2 or f3.

    Pre-activation networks normalise before each convolution: BN-ReLU-1x1, BN-ReLU-1x1.
    Post-activation ones between them: 1x1-BN-ReLU-1x1. Neither has a BN just before the
    activation, unless ``final_norm`` asks for it (the experiment "a BN before the sigmoid").

    Raises:
        ValueError: for an unknown activation.
    """

    def __init__(
        self, channels: int, *, preact: bool, activation: str = "mixed", final_norm: bool = False
    ) -> None:
        super().__init__()
        check_choice("mask activation", activation, MASK_ACTIVATIONS)
        self.preact = norm_relu(channels) if preact else nn.Identity()
        self.convs = nn.Sequential(
            conv1x1(channels, channels), norm_relu(channels), conv1x1(channels, channels)
        )
        self.final_norm = nn.BatchNorm2d(channels) if final_norm else nn.Identity()
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W) -> (B, C, H, W)
        logits = self.final_norm(self.convs(self.preact(x)))
        return MASK_ACTIVATIONS[self.activation](logits)


class HourglassMask(nn.Module):
    """The bottom-up top-down mask of section 3.2 with ``poolings`` poolings.

    Downward, each step is a pooling and ``r`` units; upward, ``r`` units and an upsampling to the
    size of the map above. So ``2r`` units stand at the lowest resolution. At every resolution but
    the top and the lowest, the map also goes through **one** unit of its own and is added after
    the upsampling: the skips. Nothing else is added. Units in all: ``2r + (d-1)(2r+1)``.

    Pooling is 3x3, stride 2, ceil mode, no padding, on the raw sums.

    Args:
        channels: C of input and mask.
        unit: builds one C-to-C residual unit.
        poolings: d >= 1.
        r: units between adjacent poolings.
        head: maps the last map to the mask (`MaskHead`).
        upsampling: ``"bilinear"``, ``"nearest"`` or ``"transposed"``.
        skips: False leaves the skip units and additions out.

    Raises:
        ValueError: for ``poolings`` or ``r`` below 1; in ``forward``, for a map with a side smaller
            than ``2**poolings``.

    Source: Wang et al. 2017, section 3.2 and figure 3; details from the released networks.
    """

    def __init__(
        self,
        channels: int,
        unit: UnitBuilder,
        *,
        poolings: int,
        r: int,
        head: nn.Module,
        upsampling: str = "bilinear",
        skips: bool = True,
    ) -> None:
        super().__init__()
        poolings, r = check_at_least("poolings", poolings, 1), check_at_least("r", r, 1)

        def units() -> nn.Sequential:
            return nn.Sequential(*(unit() for _ in range(r)))

        self.poolings = poolings
        self.down = nn.ModuleList(units() for _ in range(poolings))
        self.skips = nn.ModuleList(unit() for _ in range(poolings - 1 if skips else 0))
        self.up = nn.ModuleList(units() for _ in range(poolings))
        self.upsample = nn.ModuleList(Upsample(channels, upsampling) for _ in range(poolings))
        self.head = head

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W) -> (B, C, H, W)
        if not is_traced(x):
            check_map_size(x.shape[-2], x.shape[-1], self.poolings)
        sizes, skipped = [], []
        for level, down in enumerate(self.down):
            sizes.append((x.shape[-2], x.shape[-1]))
            x = down(pool(x))
            if level < len(self.skips):
                skipped.append(self.skips[level](x))
        for up, upsample in zip(self.up, self.upsample, strict=True):
            x = upsample(up(x), sizes.pop())
            if skipped:
                x = x + skipped.pop()
        return self.head(x)


class LocalConvolutionMask(nn.Sequential):
    """The rival of table 4: residual units at full resolution, then the same head.

    Its context is as small as its units' kernels allow: no pooling, no upsampling.

    Args:
        unit: builds one C-to-C residual unit.
        units: how many; the paper takes three "with the same FLOPs".
        head: maps the last map to the mask (`MaskHead`).

    Source: Wang et al. 2017, section 4.1, table 4.
    """

    def __init__(self, unit: UnitBuilder, *, units: int, head: nn.Module) -> None:
        super().__init__()
        self.units = nn.Sequential(*(unit() for _ in range(units)))
        self.head = head
