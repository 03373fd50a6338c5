"""Parameters and multiply-adds of a network, counted without computing anything."""

from math import prod

import torch
from torch import Tensor, nn

from resattn.config import NetworkConfig
from resattn.modes import modes_kept
from resattn.network import ResidualAttentionNetwork

TRAINING_PASSES = 3
"""A training step's multiply-adds in forward passes: backward computes two gradients per layer."""


def count_parameters(model: nn.Module) -> int:
    """Number of weights and biases, frozen or not, without BN's running statistics."""
    return sum(parameter.numel() for parameter in model.parameters())


def count_multiply_adds(model: nn.Module, image_shape: tuple[int, int, int]) -> int:
    """Multiply-adds of all convolutions and linear layers for one image ``(C, H, W)``.

    Papers on convolutional networks call this number FLOPs. Norms, activations, pooling and
    additions are left out, as there. The model may live on any device, ``"meta"``
    included; the modes of its modules are kept.
    """
    total = 0

    def add(
        layer: nn.Conv2d | nn.ConvTranspose2d | nn.Linear,
        inputs: tuple[Tensor, ...],
        output: Tensor,
    ) -> None:
        nonlocal total
        positions = inputs[0] if isinstance(layer, nn.ConvTranspose2d) else output
        total += positions.numel() * prod(layer.weight.shape[1:])

    hooks = [
        layer.register_forward_hook(add)
        for layer in model.modules()
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)
    ]
    parameter = next(model.parameters())
    try:
        with modes_kept(model), torch.no_grad():
            model.eval()(
                torch.zeros(1, *image_shape, device=parameter.device, dtype=parameter.dtype)
            )
    finally:
        for hook in hooks:
            hook.remove()
    return total


def config_cost(config: NetworkConfig) -> tuple[int, int]:
    """Parameters and multiply-adds of a configuration at its nominal image size."""
    with torch.device("meta"):
        model = ResidualAttentionNetwork(config)
    shape = (config.in_channels, config.image_size, config.image_size)
    return count_parameters(model), count_multiply_adds(model, shape)
