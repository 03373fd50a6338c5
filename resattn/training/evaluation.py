"""Error and loss of a model over a dataset."""

import math
from typing import Any, NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset, Subset

from resattn.checks import check_choice
from resattn.data.loading import ImageDataset, make_loader
from resattn.modes import modes_kept
from resattn.training.config import PRECISIONS
from resattn.training.devices import autocast, resolve_device, to_device
from resattn.training.distributed import World
from resattn.training.inputs import check_dataset, check_every_image, check_labels
from resattn.training.trial import check_logits, check_model, check_trial


class Score(NamedTuple):
    """Share of images whose largest logit is not at their label, and mean cross entropy (nats)."""

    error: float
    loss: float


def evaluate(
    model: nn.Module,
    dataset: ImageDataset,
    *,
    batch_size: int = 256,
    device: str | torch.device = "auto",
    precision: str = "float32",
) -> Score:
    """Classify a dataset in eval mode, without gradients.

    The model is moved to ``device``; each of its modules is put back in the mode it was in.

    Args:
        dataset: map-style, of (image ``(C, H, W)``, label) pairs; see `resattn.data`.
        device: see `resattn.training.devices.resolve_device`.
        precision: "float32", or "bfloat16" for autocast.

    Raises:
        ValueError: in one sentence, for a device that is not here, or data and model that do not
            fit: see `fit`.
    """
    check_choice("precision", precision, PRECISIONS)
    check_model(model)
    check_dataset("dataset", dataset)
    check_trial("dataset", dataset, model, precision)
    world = World(resolve_device(device))
    return shared_score(
        model.to(world.device), dataset, batch_size=batch_size, precision=precision, world=world
    )


@torch.no_grad()
def shared_score(
    model: nn.Module,
    dataset: ImageDataset,
    *,
    batch_size: int,
    precision: str,
    world: World,
    workers: int = 0,
) -> Score:
    """Return the score of all images, each classified by one of the processes of ``world``.

    Sums are made on the CPU in double precision, because not every device has it.

    Raises:
        ValueError: for labels that have no logit, or if the loss is not finite because of an image.
    """
    indices = range(world.rank, len(dataset), world.size)
    share = Subset(cast("Dataset[Any]", dataset), indices)
    sums: list[Tensor] = []  # of each batch: wrong answers, loss
    with modes_kept(model):
        model.eval()
        for batch in make_loader(share, batch_size, workers=workers):
            images, labels = to_device(batch, world.device)[:2]
            with autocast(world.device, precision):
                logits = check_logits(model(images), len(images))
                check_labels("the evaluated dataset", batch[1], logits.shape[1])
                loss = F.cross_entropy(logits, labels, reduction="sum")
            wrong = (logits.argmax(1) != labels).sum()
            loss = loss.to(torch.promote_types(loss.dtype, torch.float32))
            sums.append(torch.stack((wrong.to(loss.dtype), loss)))
    wrong_share, loss_share = 0.0, 0.0
    for row in sums:
        wrong_batch, loss_batch = row.tolist()
        wrong_share, loss_share = wrong_share + wrong_batch, loss_share + loss_batch
    if not math.isfinite(loss_share):
        check_every_image("the evaluated dataset", dataset, indices)
    wrong_total, loss_total = world.totals([wrong_share, loss_share])
    return Score(wrong_total / len(dataset), loss_total / len(dataset))
