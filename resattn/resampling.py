"""Pooling and upsampling inside an hourglass, and the smallest map that they need."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resattn.checks import check_choice

UPSAMPLINGS = ("bilinear", "nearest", "transposed")


class Upsample(nn.Module):
    """Brings a map to a given size, at most about twice its own.

    - ``"bilinear"``: with ``align_corners=True``, as in the released networks; no parameters.
    - ``"nearest"``: repeats values; no parameters.
    - ``"transposed"``: a learned 4x4 transposed convolution with stride 2, one filter per channel,
      started at bilinear weights (Long et al. 2015, arXiv 1411.4038, section 3.3). It doubles a
      map exactly, or to one more.

    Raises:
        ValueError: for an unknown kind.
    """

    def __init__(self, channels: int, kind: str = "bilinear") -> None:
        super().__init__()
        check_choice("upsampling", kind, UPSAMPLINGS)
        self.kind = kind
        self.conv = None
        if kind == "transposed":
            self.conv = nn.ConvTranspose2d(
                channels,
                channels,
                4,
                stride=2,
                padding=1,
                output_padding=1,  # one row and column more, for maps of odd sides
                groups=channels,
                bias=False,
            )
            self.reset_parameters()

    def reset_parameters(self) -> None:
        """Sets the transposed convolution to bilinear interpolation by two."""
        if self.conv is not None:
            ramp = torch.tensor([0.25, 0.75, 0.75, 0.25])
            with torch.no_grad():
                self.conv.weight.copy_(torch.outer(ramp, ramp))

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:  # (B, C, h, w) -> (B, C, *size)
        if self.conv is not None:
            if any(isinstance(side, Tensor | torch.SymInt) for side in size):
                large = self.conv(x)  # a tracer's sizes cannot be compared: cut without comparing
                rows, columns = (torch.arange(side, device=x.device) for side in size)
                return large.index_select(2, rows).index_select(3, columns)
            return self.conv(x, output_size=size)
        if self.kind == "nearest":
            large = F.interpolate(x, size=size, mode="nearest")
        else:
            large = F.interpolate(x, size=size, mode="bilinear", align_corners=True)
        return large.to(x.dtype)  # autocast interpolates in float32, and all after it would be


def pool(x: Tensor) -> Tensor:
    """3x3 max-pooling, stride 2, no padding, ceil mode: n becomes ``n // 2`` for n >= 2."""
    if isinstance(x.shape[-2], torch.SymInt) or isinstance(x.shape[-1], torch.SymInt):
        # Ceil mode compares sizes, and an export with free sizes cannot keep its comparison.
        return F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=-math.inf), 3, stride=2)
    return F.max_pool2d(x, 3, stride=2, ceil_mode=True)


class Pool(nn.Module):
    """`pool` as a layer, for the stem."""

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W) -> (B, C, H // 2, W // 2)
        return pool(x)


def is_traced(x: Tensor) -> bool:
    """Return True for images that a tracer follows with symbols in place of sizes.

    `torch.jit.trace`, the older ONNX exporter and torch.fx give no sizes that could be checked.
    """
    return torch.jit.is_tracing() or isinstance(x, torch.fx.Proxy)


def check_map_size(height: int, width: int, poolings: int) -> None:
    """Raises ValueError where a map is too small for so many poolings.

    A pooling turns n into ``n // 2`` and needs n >= 2, so d poolings need ``2**d``.
    """
    smallest = 2 ** min(poolings, 63)  # no map is larger
    if height < smallest or width < smallest:
        fits = max(0, min(height, width).bit_length() - 1)
        needed = smallest if poolings <= 16 else f"2**{poolings}"
        raise ValueError(
            f"a mask with {poolings} poolings needs a map of at least {needed}x{needed}, "
            f"got {height}x{width}; use a larger image"
            + (f", or at most {fits} poolings" if fits else "")
        )
