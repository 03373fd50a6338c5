"""How a probe looks into a model and leaves it as it found it."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

Watch = tuple[nn.Module, Callable[[Tensor, Tensor], None]]
"""A module, and what to do with its input and output each time it runs."""


@contextmanager
def watching(model: nn.Module, watches: Iterable[Watch]) -> Iterator[None]:
    """Calls each watch while the block runs; then removes it and puts the model's buffers back."""
    buffers = [(buffer, buffer.clone()) for buffer in model.buffers()]
    hooks = [module.register_forward_hook(_hook(look)) for module, look in watches]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
        with torch.no_grad():
            for buffer, value in buffers:
                buffer.copy_(value)


def _hook(look: Callable[[Tensor, Tensor], None]) -> Callable[..., None]:
    def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        look(inputs[0], output)

    return hook


def for_model(model: nn.Module, images: Tensor) -> Tensor:
    """The images on the model's device, in its dtype. Raises ValueError for a wrong batch."""
    if images.ndim != 4 or len(images) == 0:
        raise ValueError(
            "images must be a batch (N, C, H, W) of at least 1 image, "
            f"got shape {tuple(images.shape)}; add a batch dimension with images[None]"
        )
    if not images.is_floating_point():
        raise ValueError(
            f"images must be floating point as the model takes them, got {images.dtype}; "
            "take them from the dataset item by item, or divide by 255"
        )
    return images.to(next(model.parameters()))


def check_stages(model: nn.Module) -> None:
    """Raise ValueError unless ``model`` has the stem and the stages of this package's networks."""
    if not (hasattr(model, "stem") and hasattr(model, "stages")):
        raise ValueError(
            f"this probe looks at the stages of a ResidualAttentionNetwork, and "
            f"{type(model).__name__} has none; build one with resattn.create_model, or unwrap it"
        )


def to_cpu(x: Tensor) -> Tensor:
    """The values alone, on the CPU, in float64."""
    return x.detach().cpu().double()


def check_masks(name: str, masks: Tensor, shape: tuple[int, int, int]) -> None:
    """Raises ValueError unless ``masks`` is bool with shape ``(N, H, W)``."""
    if masks.dtype != torch.bool or tuple(masks.shape) != shape:
        raise ValueError(
            f"{name} must be bool of shape {shape}, one map an image at image size, "
            f"got {masks.dtype} of shape {tuple(masks.shape)}"
        )
