"""The processes that train together: one alone, or those that ``torchrun`` started."""

import atexit
import gc
import os
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

from resattn.training.devices import resolve_device


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

    def totals(self, numbers: list[float]) -> list[float]:
        """Return sums over the processes, in double precision: alone, without any tensor."""
        if self.size == 1:
            return numbers
        tensor = torch.tensor(numbers, dtype=torch.float64, device=self.device)
        return self.total(tensor).tolist()

    def agree(self, decision: bool | None) -> bool:
        """The first process's decision, given to all."""
        if self.size == 1:
            return bool(decision)
        shared = torch.tensor(float(bool(decision)), device=self.device)
        dist.broadcast(shared, src=0)
        return shared.item() > 0

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
        device: see `resolve_device`; several processes compute on CUDA GPUs or on the CPU.

    Raises:
        ValueError: if the device is not here, or several processes cannot share it.
    """
    joined = dist.is_available() and dist.is_initialized()
    size = dist.get_world_size() if joined else int(os.environ.get("WORLD_SIZE", "1"))
    chosen = resolve_device(device, int(os.environ.get("LOCAL_RANK", "0")))
    if size > 1 and chosen.type not in ("cpu", "cuda"):
        if device != "auto":
            raise ValueError(
                f"{size} processes cannot train together on {str(device)!r}; use device='cpu', or "
                "one process"
            )
        chosen = torch.device("cpu")
    if not joined and size == 1:
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
