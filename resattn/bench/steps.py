"""One training step in the ways that torch offers, for any network."""

import contextlib
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resattn.bench import seconds

WAYS = {
    "eager, float32": (False, False, False),
    "channels_last": (True, False, False),
    "bf16 autocast": (False, True, False),
    "channels_last + bf16": (True, True, False),
    "channels_last + bf16 + compile": (True, True, True),
}
"""Name of a way to (channels_last, bf16 autocast, compile)."""


def training_step(model: nn.Module, images: Tensor, labels: Tensor, way: str) -> Callable[[], None]:
    """Forward, cross entropy and backward of ``model`` run ``way``; no optimiser.

    The model's memory format is changed in place.
    """
    channels_last, bf16, compiled = WAYS[way]
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
        images = images.to(memory_format=torch.channels_last)
    network = torch.compile(model) if compiled else model
    autocast = torch.autocast("cpu", torch.bfloat16) if bf16 else contextlib.nullcontext()

    def step() -> None:
        model.zero_grad(set_to_none=True)
        with autocast:
            loss = F.cross_entropy(network(images), labels)
        loss.backward()

    return step


def matrix_rate(
    dtype: torch.dtype,
    *,
    device: str = "cpu",
    largest: int = 2048,
    limit: float = 5.0,
    clock: Callable[[Callable[[], object]], float] = seconds,
) -> float:
    """Return multiply-adds per second of the device's dense matrix product, the best of five.

    Sides are doubled from 64 on, up to ``largest``, and no further than five products of the next
    side would take ``limit`` seconds: without units for a type, as for bfloat16 on many CPUs, one
    product of 2048 x 2048 can take minutes.

    Args:
        clock: measures the seconds of a call.
    """
    side = min(64, largest)
    taken = clock(_product(dtype, device, side))  # the first one also loads kernels
    while side < largest:
        taken = clock(_product(dtype, device, side))
        if 5 * 8 * taken > limit:  # twice the side is eight times the work
            break
        side = min(2 * side, largest)
    product = _product(dtype, device, side)
    return side**3 / min(clock(product) for _ in range(5))


def _product(dtype: torch.dtype, device: str, side: int) -> Callable[[], None]:
    a, b = torch.randn(2, side, side, device=device).to(dtype).unbind()

    def product() -> None:
        torch.mm(a, b)
        if device == "cuda":
            torch.cuda.synchronize()

    return product
