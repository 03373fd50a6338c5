"""Gates: light attention that needs no hourglass. SE, CBAM and BAM.

Each maps ``(B, C, H, W)`` to the same shape. SE and CBAM multiply by a gate in (0, 1) and belong
**inside** a residual branch, before the sum, where the identity path stays whole. BAM multiplies
by ``1 + gate`` and stands on the **main** path, as the Residual Attention Network's mask does.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resattn.checks import check_at_least

GATE_KINDS = ("none", "se", "cbam", "bam")


def _reduced(channels: int, reduction: int) -> int:
    """``channels // reduction``; raises ValueError where the division leaves a rest."""
    channels = check_at_least("a gate's channels", channels, 1)
    reduction = check_at_least("a gate's reduction", reduction, 1)
    if channels % reduction:
        divisors = [d for d in range(1, channels + 1) if channels % d == 0]
        nearest = min(divisors, key=lambda d: abs(d - reduction))
        raise ValueError(
            f"a gate's reduction must divide its channels, got {channels} channels and "
            f"reduction {reduction}; the nearest that divides is {nearest}"
        )
    return channels // reduction


def _bottleneck(channels: int, reduction: int) -> nn.Sequential:
    """Two-layer perceptron over channels, as 1x1 convolutions with bias: C to C/r to C."""
    hidden = _reduced(channels, reduction)
    return nn.Sequential(
        nn.Conv2d(channels, hidden, 1), nn.ReLU(inplace=True), nn.Conv2d(hidden, channels, 1)
    )


class SqueezeExcitation(nn.Module):
    """``x * sigmoid(W2 relu(W1 z))`` with ``z`` the mean of ``x`` over positions.

    One number per channel, the same at every position. The same function as
    ``torchvision.ops.SqueezeExcitation(C, C // reduction)``; both have biases, which the paper's
    equation omits.

    Args:
        channels: C.
        reduction: r, the factor by which the hidden layer is narrower; must divide C.

    Raises:
        ValueError: if ``reduction`` does not divide ``channels``.

    Source: Hu et al., CVPR 2018 (arXiv 1709.01507), equations 2 to 4.
    """

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        self.mlp = _bottleneck(channels, reduction)

    def gate(self, x: Tensor) -> Tensor:  # (B, C, H, W) -> (B, C, 1, 1)
        """The gate alone, in (0, 1)."""
        return torch.sigmoid(self.mlp(F.adaptive_avg_pool2d(x, 1)))

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W) -> (B, C, H, W)
        return x * self.gate(x)


class ChannelGate(nn.Module):
    """CBAM's channel half: ``sigmoid(MLP(avgpool x) + MLP(maxpool x))``, one MLP for both.

    Args, raises: as `SqueezeExcitation`.

    Source: Woo et al., ECCV 2018 (arXiv 1807.06521), equation 2. The equation omits the biases
    that the authors' code has; with them CBAM-ResNet-50 has the 28.09 M parameters of table 4.
    """

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        self.mlp = _bottleneck(channels, reduction)

    def gate(self, x: Tensor) -> Tensor:  # (B, C, H, W) -> (B, C, 1, 1)
        """The gate alone, in (0, 1)."""
        mean = self.mlp(F.adaptive_avg_pool2d(x, 1))
        peak = self.mlp(F.adaptive_max_pool2d(x, 1))
        return torch.sigmoid(mean + peak)

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W) -> (B, C, H, W)
        return x * self.gate(x)


class SpatialGate(nn.Module):
    """CBAM's spatial half: ``sigmoid(conv7x7([mean over channels; max over channels]))``.

    One number per position, the same for every channel.

    Source: Woo et al., ECCV 2018 (arXiv 1807.06521), equation 3. The authors' code adds a BN after
    the convolution; the equation, and this class, do not.
    """

    def __init__(self, kernel_size: int = 7) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, kernel_size, padding=kernel_size // 2, bias=False)

    def gate(self, x: Tensor) -> Tensor:  # (B, C, H, W) -> (B, 1, H, W)
        """The gate alone, in (0, 1)."""
        described = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], dim=1)
        return torch.sigmoid(self.conv(described))

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W) -> (B, C, H, W)
        return x * self.gate(x)


class CBAM(nn.Sequential):
    """Channel gate, then spatial gate; no 1+.

    Args, raises: as `SqueezeExcitation`.

    Source: Woo et al., ECCV 2018 (arXiv 1807.06521), equation 1.
    """

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        self.channel = ChannelGate(channels, reduction)
        self.spatial = SpatialGate()


class BAM(nn.Module):
    """``x + x * sigmoid(Mc + Ms)``: a channel and a spatial half, added before the sigmoid.

    ``Mc = BN(MLP(avgpool x))`` is ``(B, C, 1, 1)``. ``Ms = BN(1x1, 3x3, 3x3, 1x1)`` is
    ``(B, 1, H, W)``; its two 3x3 convolutions work on C/r channels with dilation 4, so that one
    value sees 17x17 positions.

    Note: BN over a pooled map needs two images in a training batch; one is enough in eval mode.

    Args, raises: as `SqueezeExcitation`.

    Source: Park et al., BMVC 2018 (arXiv 1807.06514), equations 1 to 5. The equations show no
    activation between the spatial half's convolutions; like the authors' code this puts a ReLU
    after each of the first three (the code puts a BN there too).
    """

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        hidden = _reduced(channels, reduction)
        self.channel = nn.Sequential(_bottleneck(channels, reduction), nn.BatchNorm2d(channels))
        self.spatial = nn.Sequential(
            nn.Conv2d(channels, hidden, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, hidden, 3, padding=4, dilation=4),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, hidden, 3, padding=4, dilation=4),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, 1, 1),
            nn.BatchNorm2d(1),
        )

    def gate(self, x: Tensor) -> Tensor:  # (B, C, H, W) -> (B, C, H, W)
        """The gate alone, in (0, 1): the mask M of the form (1 + M) x."""
        return torch.sigmoid(self.channel(F.adaptive_avg_pool2d(x, 1)) + self.spatial(x))

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W) -> (B, C, H, W)
        return x + x * self.gate(x)
