"""Error and loss of a model over a dataset."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset, Subset

from resattn.data.loading import make_loader
from resattn.training.config import PRECISIONS
from resattn.training.distributed import World, resolve_device


class Score(NamedTuple):
    """Share of images whose largest logit is not at their label, and mean cross entropy (nats)."""

    error: float
    loss: float


def evaluate(
    model: nn.Module,
    dataset: Dataset,
    *,
    batch_size: int = 256,
    device: str | torch.device = "auto",
    precision: str = "float32",
) -> Score:
    """Classify a dataset in eval mode, without gradients.

    The model is moved to ``device``; each of its modules is put back in the mode it was in.

    Args:
        dataset: map-style, of (image ``(C, H, W)``, label) pairs; see `resattn.data`.
        device: "auto" is a GPU if there is one, else the CPU.
        precision: "float32", or "bfloat16" for autocast.

    Raises:
        ValueError: for an empty dataset, an unknown precision or a device that is not there.
    """
    if len(dataset) == 0:
        raise ValueError("cannot evaluate on a dataset of 0 images; it needs 1 or more")
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")
    world = World(resolve_device(device))
    return shared_score(
        model.to(world.device), dataset, batch_size=batch_size, precision=precision, world=world
    )


@torch.no_grad()
def shared_score(
    model: nn.Module,
    dataset: Dataset,
    *,
    batch_size: int,
    precision: str,
    world: World,
    workers: int = 0,
) -> Score:
    """The score of all images, each classified by one of the processes of ``world``."""
    share = Subset(dataset, range(world.rank, len(dataset), world.size))
    sums = torch.zeros(3, dtype=torch.float64, device=world.device)  # wrong, loss, images
    with modes_kept(model):
        model.eval()
        for batch in make_loader(share, batch_size, workers=workers):
            images, labels = to_device(batch, world.device)[:2]
            with autocast(world.device, precision):
                logits = model(images)  # (B, classes)
                loss = F.cross_entropy(logits, labels, reduction="sum")
            wrong = (logits.argmax(1) != labels).sum()
            sums += torch.stack((wrong.double(), loss.double(), wrong.new_tensor(len(labels))))
    wrong, loss, images = world.total(sums).tolist()
    return Score(wrong / images, loss / images)


def to_device(batch: tuple[Tensor, ...], device: torch.device) -> tuple[Tensor, ...]:
    """The batch's tensors on ``device``; from pinned memory the copy overlaps with computation."""
    return tuple(part.to(device, non_blocking=True) for part in batch)


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """The context in which the forward pass runs at ``precision``."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")


@contextmanager
def modes_kept(model: nn.Module) -> Iterator[None]:
    """Put every module back into the mode (train or eval) it was in."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
