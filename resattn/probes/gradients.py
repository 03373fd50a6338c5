"""How strongly the loss pulls at each stage."""

import torch
import torch.nn.functional as F
from torch import Tensor

from resattn.network import ResidualAttentionNetwork
from resattn.probes.capture import check_stages, for_model, to_cpu, watching


def gradient_norms(
    model: ResidualAttentionNetwork, images: Tensor, labels: Tensor
) -> dict[str, float]:
    """Gradient norm at the output of the stem and of each stage, in the mode the model is in.

    For image i it is the L2 norm, over channels and positions, of ``dL / dx_i``, with x the map at
    that place and L the **sum** over the batch of the cross entropies; the norms are averaged over
    the batch. So the batch's size does not scale it. Unit: nats per unit of response. It is the
    gradient that arrives by way of the layers above, not the gradient of the parameters.

    Args:
        model: the network; its ``.grad`` fields are neither read nor written.
        images: float ``(N, C, H, W)``.
        labels: int64 ``(N,)``.

    Returns:
        ``{"stem": ..., "stage 1": ..., "stage 2": ..., ...}``, from image to logits.

    Raises:
        ValueError: for a model without stages, images of a wrong shape or type, or labels that do
            not match them.
    """
    check_stages(model)
    images = for_model(model, images).detach().clone().requires_grad_()
    if labels.shape != images.shape[:1]:
        raise ValueError(
            f"labels must have shape ({len(images)},), one an image, got {tuple(labels.shape)}"
        )
    outputs: list[Tensor] = []
    places = [model.stem, *model.stages]
    watches = [(place, lambda _, output: outputs.append(output)) for place in places]
    with torch.enable_grad(), watching(model, watches):
        logits = model(images)
        loss = F.cross_entropy(logits, labels.to(logits.device), reduction="sum")
        gradients = torch.autograd.grad(loss, outputs)
    names = ["stem", *(f"stage {i}" for i in range(1, len(places)))]
    norms = (to_cpu(gradient).flatten(1).norm(dim=1).mean().item() for gradient in gradients)
    return dict(zip(names, norms, strict=True))
