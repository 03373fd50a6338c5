"""A stand-in for a device without double precision, as Apple's GPUs are (MPS)."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

REFUSAL = "Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support it"


class OnMPS(Tensor):
    """A tensor that "lies on the GPU": what is computed from it does too, until ``.cpu()``.

    It refuses double precision, and company of more than one number that lies on the CPU.
    """

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        given = [t for t in pytree.tree_leaves((args, kwargs)) if isinstance(t, Tensor)]
        strangers = [t for t in given if not isinstance(t, OnMPS) and t.ndim]
        if strangers and func is not Tensor.copy_ and func is not Tensor.to:
            raise RuntimeError(f"{func}: expected all tensors on one device, got mps:0 and cpu")
        result = super().__torch_function__(func, types, args, kwargs)
        if func is Tensor.cpu:
            return result.as_subclass(Tensor)
        refuse_doubles(result)
        return result


def refuse_doubles(result: object) -> None:
    for tensor in pytree.tree_leaves(result):
        if isinstance(tensor, Tensor) and tensor.dtype == torch.float64:
            raise TypeError(REFUSAL)


def on_mps(module: nn.Module) -> nn.Module:
    """The module with all its parameters and buffers "on the GPU"."""
    for part in module.modules():
        for name, parameter in part.named_parameters(recurse=False):
            part._parameters[name] = nn.Parameter(parameter.detach().as_subclass(OnMPS))
        for name, buffer in part.named_buffers(recurse=False):
            part._buffers[name] = buffer.as_subclass(OnMPS)
    return module


class _NoDoubles(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        refuse_doubles(result)
        return result


@contextmanager
def without_doubles() -> Iterator[None]:
    """No tensor of double precision can be made, on any device, while the block runs."""
    with _NoDoubles():
        yield
