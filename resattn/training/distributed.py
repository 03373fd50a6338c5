"""The processes that train together: one alone, or those that ``torchrun`` started."""

import atexit
import gc
import os
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn


@dataclass(frozen=True)
class World:
    """This process's place among ``size`` processes, and the device it computes on."""

    device: torch.device
    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process writes files and progress."""
        return self.rank == 0

    def total(self, tensor: Tensor) -> Tensor:
        """Sum ``tensor`` over the processes, in place."""
        if self.size > 1:
            dist.all_reduce(tensor)
        return tensor

    def agree(self, decision: bool | None) -> bool:
        """The first process's decision, given to all."""
        if self.size == 1:
            return bool(decision)
        told = torch.tensor(float(bool(decision)), device=self.device)
        dist.broadcast(told, src=0)
        return told.item() > 0

    def share_buffers(self, model: nn.Module) -> None:
        """Give every process the first one's buffers (batch norm's running statistics)."""
        if self.size > 1:
            for buffer in model.buffers():
                dist.broadcast(buffer, src=0)


def join(device: str | torch.device) -> World:
    """Join the processes that ``torchrun`` announces in the environment, or be alone.

    The group uses nccl on GPUs and gloo elsewhere, and lasts as long as the process, because one
    process cannot join twice. A group that the caller has already initialised is used.

    Args:
        device: "auto" is a GPU if there is one, else the CPU; "cuda" without a number is the GPU
            with the process's local rank.

    Raises:
        ValueError: if the device does not exist here.
    """
    chosen = resolve_device(device, int(os.environ.get("LOCAL_RANK", "0")))
    joined = dist.is_available() and dist.is_initialized()
    if not joined and int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return World(chosen)
    if not joined:
        on_gpu = chosen.type == "cuda"
        dist.init_process_group("nccl" if on_gpu else "gloo", device_id=chosen if on_gpu else None)
        atexit.register(_leave)
    return World(chosen, dist.get_rank(), dist.get_world_size())


def _leave() -> None:
    """Let the group end its threads before Python does: one that comes too late aborts."""
    dist.destroy_process_group()
    gc.collect()  # DistributedDataParallel refers to itself, and so keeps the group alive


def resolve_device(device: str | torch.device, local_rank: int = 0) -> torch.device:
    """The device named, checked to exist; see `join`."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        chosen = torch.device(device)
    except (RuntimeError, TypeError):
        raise ValueError(f"device {device!r} is not one; use 'auto', 'cpu' or 'cuda'") from None
    if chosen.type != "cuda":
        return chosen
    index = local_rank if chosen.index is None else chosen.index
    if index >= torch.cuda.device_count():
        raise ValueError(
            f"GPU number {index} was asked for and {torch.cuda.device_count()} are visible; use "
            f"device='cpu' or start as many processes as there are GPUs"
        )
    return torch.device("cuda", index)
