"""The objective that shows every mask the object's true place while the network learns."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resattn.attention import AttentionModule
from resattn.training import Objective, classification


def with_mask_loss(weight: float) -> Objective:
    """Cross entropy of the labels plus ``weight`` times that of the masks, both in nats.

    The mask loss is the mean, over attention modules, images and positions, of the binary cross
    entropy between the mask's **mean over channels** and the share of the cell that the object
    covers. Batches are (images, labels, object masks): see `resattn.data.WithObjectMasks`.
    """

    def objective(network: nn.Module, batch: tuple[Tensor, ...]) -> Tensor:
        object_masks = batch[2][:, None].float()  # (B, 1, H, W)
        losses: list[Tensor] = []

        def look(_: nn.Module, inputs: tuple[Tensor, ...], mask: Tensor) -> None:
            height, width = mask.shape[2:]
            target = F.adaptive_avg_pool2d(object_masks, (height, width))
            losses.append(_binary_cross_entropy(mask.float().mean(1, keepdim=True), target))

        modules = [m for m in network.modules() if isinstance(m, AttentionModule)]
        hooks = [m.mask.register_forward_hook(look) for m in modules if m.mask is not None]
        try:
            loss = classification(network, batch)
        finally:
            for hook in hooks:
                hook.remove()
        return loss + weight * torch.stack(losses).mean()

    return objective


def _binary_cross_entropy(probability: Tensor, target: Tensor) -> Tensor:
    """Written out, because torch refuses its own under autocast."""
    p = probability.clamp(1e-6, 1 - 1e-6)
    return -(target * p.log() + (1 - target) * (1 - p).log()).mean()
