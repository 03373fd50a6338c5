"""The device that a run computes on, and what moves there."""

import torch
from torch import Tensor


def resolve_device(device: str | int | torch.device, local_rank: int = 0) -> torch.device:
    """Return the device named, after one small computation on it.

    Args:
        device: "auto" is a CUDA GPU if there is one, else Apple's GPU ("mps"), else the CPU;
            "cuda" without a number is the GPU with the process's ``local_rank``.
        local_rank: this process's number on its machine; see `resattn.training.distributed`.

    Raises:
        ValueError: if nothing can be computed on it, naming the devices that are here.
    """
    if device == "auto":
        device = devices_here()[-1].split(":")[0]
    try:
        chosen = torch.device(device)
        if chosen.type == "cuda" and chosen.index is None:
            chosen = torch.device("cuda", local_rank)
        _compute_on(chosen)
    except Exception:  # each back end refuses in its own way
        processes = "; start one process per GPU" if local_rank else ""
        raise ValueError(
            f"there is no device {str(device)!r} here; choose 'auto' or one of "
            f"{', '.join(devices_here())}{processes}"
        ) from None
    return chosen


def devices_here() -> list[str]:
    """Names of the devices that `fit` is made for and that this machine has, the fastest last."""
    apple = ["mps"] if torch.backends.mps.is_available() else []
    gpus = range(torch.cuda.device_count()) if torch.cuda.is_available() else ()
    return ["cpu", *apple, *(f"cuda:{index}" for index in gpus)]


def _compute_on(device: torch.device) -> None:
    """Raise whatever the back end raises if the device is not here, or holds no numbers."""
    torch.ones(1, device=device).add(1).item()


def to_device(batch: tuple[Tensor, ...], device: torch.device) -> tuple[Tensor, ...]:
    """Return the batch's tensors on ``device``.

    The copy to a CUDA GPU overlaps with computation. On other devices nothing promises that a copy
    is done before it is read unless it is waited for.
    """
    overlaps = device.type == "cuda"
    return tuple(part.to(device, non_blocking=overlaps) for part in batch)


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Return the context in which the forward pass runs at ``precision``."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")
