"""What a network attends to: the mask of every attention module and gate, and its statistics."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from resattn.attention import AttentionModule
from resattn.gates import BAM, CBAM, ChannelGate, SpatialGate, SqueezeExcitation
from resattn.probes.capture import Watch, for_model, to_cpu, watching

LOW, HIGH = 0.05, 0.95
"""A mask value outside these counts as saturated."""


def attention_maps(model: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """The mask of every attention module and gate, each of the map's full shape (N, C, H, W).

    An `AttentionModule` gives its M(x). A gate (SE, BAM, CBAM's halves) gives ``gate(x)`` repeated
    over the channels or positions that share one value; CBAM as a whole gives the product of its
    two halves. So all can be compared, drawn and scored alike: BAM's map belongs to ``1 + M`` as
    an attention module's does, the other gates' to a plain product. Residual modules with the
    merge rule ``"none"`` have no mask and are left out.

    Args:
        model: any module; it is measured in the mode it is in.
        images: float ``(N, C, H, W)``, one batch: all maps are kept.

    Returns:
        Dotted name of the module to its map, on the CPU in the model's dtype, from image to logits.
        Empty for a network without attention.

    Raises:
        ValueError: for images of a wrong shape or type.
    """
    images = for_model(model, images)
    maps: dict[str, Tensor] = {}
    watches: list[Watch] = []
    parts = {half for m in model.modules() if isinstance(m, CBAM) for half in m.children()}
    for name, module in model.named_modules():
        if module not in parts and (watch := _watch(name, module, maps)):
            watches.append(watch)
    with torch.no_grad(), watching(model, watches):
        model(images)
    return maps


def _watch(name: str, module: nn.Module, maps: dict[str, Tensor]) -> Watch | None:
    if isinstance(module, AttentionModule):
        if module.mask is None:
            return None
        return module.mask, lambda _, mask: maps.update({name: mask.cpu()})
    if isinstance(module, CBAM):
        gate: Callable[[Tensor], Tensor] = _cbam_gate(module)
    elif isinstance(module, SqueezeExcitation | ChannelGate | SpatialGate | BAM):
        gate = module.gate
    else:
        return None
    return module, lambda x, _: maps.update({name: gate(x).expand_as(x).cpu()})


def _cbam_gate(module: CBAM) -> Callable[[Tensor], Tensor]:
    def gate(x: Tensor) -> Tensor:  # (B, C, H, W) -> (B, C, H, W)
        by_channel = module.channel.gate(x)
        return by_channel * module.spatial.gate(x * by_channel)

    return gate


@dataclass(frozen=True)
class MaskStatistics:
    """One mask in seven numbers, all in the mask's own unit or shares of its values.

    Attributes:
        mean: over everything.
        std: over everything.
        std_positions: over the positions of one map; mean over images and channels. 0: blind to
            place, like SE.
        std_channels: over the channels at one position; mean over images and positions. 0: one map
            for all channels.
        std_images: over the images at one channel and position; mean over both. 0: the mask does
            not look at the image.
        low: share of values below 0.05.
        high: share of values above 0.95.
    """

    mean: float
    std: float
    std_positions: float
    std_channels: float
    std_images: float
    low: float
    high: float


def mask_statistics(mask: Tensor) -> MaskStatistics:
    """Statistics of a mask ``(N, C, H, W)``, in float64, with N (not N-1) under the variance.

    Raises:
        ValueError: unless the mask has four dimensions and at least one value.
    """
    if mask.ndim != 4 or mask.numel() == 0:
        raise ValueError(f"a mask must have shape (N, C, H, W), got {tuple(mask.shape)}")
    mask = to_cpu(mask)

    def spread(dims: tuple[int, ...]) -> float:
        return mask.std(dim=dims, correction=0).mean().item()

    return MaskStatistics(
        mean=mask.mean().item(),
        std=spread((0, 1, 2, 3)),
        std_positions=spread((2, 3)),
        std_channels=spread((1,)),
        std_images=spread((0,)),
        low=(mask < LOW).double().mean().item(),
        high=(mask > HIGH).double().mean().item(),
    )
