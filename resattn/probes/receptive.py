"""What one output position sees of the input, measured by gradients."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

_SAMPLES = 16


@dataclass(frozen=True)
class ReceptiveField:
    """The input positions that one output position depends on.

    Attributes:
        support: bool ``(H, W)``, True where it depends on some channel of the input.
        top, left: first row and column of the smallest box that holds them.
        height, width: of that box in positions; 0 if there are none.
    """

    support: Tensor
    top: int
    left: int
    height: int
    width: int


def receptive_field(
    module: nn.Module, shape: tuple[int, int, int], position: tuple[int, int]
) -> ReceptiveField:
    """Measures which input positions a module's output at ``position`` depends on.

    A position belongs to the field where the gradient of the output, summed over channels with
    random signs, is not zero for at least one of 16 random inputs. A ReLU passes no gradient where
    it is shut, and max-pooling passes it to one of nine, though the output depends on all nine. So
    while it is measured, every `relu` is leaky and every `max_pool2d` a mean over its window: they
    read the same positions and shut no path. What other functions shut is a lower bound. Inputs
    are normal, of standard deviations from 0.01 to 1, so that no sigmoid saturates in all of them.
    All paths count, however weak.

    It works on a float64 copy on the CPU in eval mode (in training mode BN ties every position to
    every other); the module and the global random state are left alone.

    Args:
        module: maps ``(B, C, H, W)`` to ``(B, C', H', W')``.
        shape: ``(C, H, W)`` of the input.
        position: row and column in the output; the middle is ``(H' // 2, W' // 2)``.

    Raises:
        ValueError: if the output is no batch of maps, or the position lies outside it.
    """
    copy = deepcopy(module).cpu().double().eval()
    generator = torch.Generator().manual_seed(0)
    scale = torch.logspace(-2, 0, _SAMPLES, dtype=torch.float64).view(-1, 1, 1, 1)
    noise = torch.randn(_SAMPLES, *shape, generator=generator, dtype=torch.float64)
    with torch.enable_grad():
        x = (scale * noise).requires_grad_()
        with _Opened():
            output = copy(x)
        values = _at(output, position)  # (16, C')
        signs = torch.randint(0, 2, values.shape, generator=generator) * 2 - 1
        (gradient,) = torch.autograd.grad((signs * values).sum(), x)
    return _boxed((gradient != 0).any(0).any(0))


class _Opened(TorchFunctionMode):
    """Swaps ReLU and max-pooling for functions of the same positions that shut no path."""

    def __torch_function__(
        self,
        func: Callable[..., Tensor],
        types: tuple[type, ...],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Tensor:
        if func in (F.relu, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_):
            return F.leaky_relu(args[0], 0.5)
        if func is F.max_pool2d:
            func = _mean_pool
        return func(*args, **(kwargs or {}))


def _mean_pool(
    x: Tensor,
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, int] | None = None,
    padding: int | tuple[int, int] = 0,
    dilation: int | tuple[int, int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor:
    """Call `F.avg_pool2d` with the arguments of `F.max_pool2d`."""
    if dilation not in (1, (1, 1)) or return_indices:
        options: dict[str, Any] = {"ceil_mode": ceil_mode, "return_indices": return_indices}
        return F.max_pool2d(x, kernel_size, stride, padding, dilation, **options)
    return F.avg_pool2d(x, kernel_size, stride, padding, ceil_mode)


def _at(output: Tensor, position: tuple[int, int]) -> Tensor:
    if output.ndim != 4:
        raise ValueError(f"the module must give maps (B, C, H, W), got {tuple(output.shape)}")
    height, width = output.shape[2:]
    row, column = position
    if not (0 <= row < height and 0 <= column < width):
        raise ValueError(
            f"position {position} lies outside the output of {height}x{width}; "
            f"use rows 0 to {height - 1} and columns 0 to {width - 1}"
        )
    return output[:, :, row, column]


def _boxed(support: Tensor) -> ReceptiveField:
    rows, columns = (support.any(dim).nonzero().flatten().tolist() for dim in (1, 0))
    if not rows:
        return ReceptiveField(support, 0, 0, 0, 0)
    return ReceptiveField(
        support=support,
        top=rows[0],
        left=columns[0],
        height=rows[-1] - rows[0] + 1,
        width=columns[-1] - columns[0] + 1,
    )
