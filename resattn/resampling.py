"""How the hourglass goes down and comes back up: pooling, upsampling, and what map they need."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resattn.checks import check_choice

UPSAMPLINGS = ("bilinear", "nearest", "transposed")


class Upsample(nn.Module):
    """Brings a map to a given size, at most about twice its own.

    - ``"bilinear"``: with ``align_corners=True``, as in the released networks; no parameters.
    - ``"nearest"``: repeats values; no parameters.
    - ``"transposed"``: a learned 4x4 transposed convolution with stride 2, one filter a channel,
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
                channels, channels, 4, stride=2, padding=1, groups=channels, bias=False
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
            return self.conv(x, output_size=size)
        if self.kind == "nearest":
            large = F.interpolate(x, size=size, mode="nearest")
        else:
            large = F.interpolate(x, size=size, mode="bilinear", align_corners=True)
        return large.to(x.dtype)  # autocast interpolates in float32, and all after it would be


def pool(x: Tensor) -> Tensor:
    """3x3 max-pooling, stride 2, no padding, ceil mode: n becomes ``n // 2`` for n >= 2."""
    return F.max_pool2d(x, 3, stride=2, ceil_mode=True)


def check_map_size(height: int, width: int, poolings: int) -> None:
    """Raises ValueError where a map is too small for so many poolings.

    A pooling turns n into ``n // 2`` and needs n >= 2, so d poolings need ``2**d``.
    """
    fits = max(0, min(height, width).bit_length() - 1)
    if fits < poolings:
        smallest = 2**poolings if poolings <= 16 else f"2**{poolings}"
        raise ValueError(
            f"a mask with {poolings} poolings needs a map of at least {smallest}x{smallest}, "
            f"got {height}x{width}; use a larger image"
            + (f", or at most {fits} poolings" if fits else "")
        )
