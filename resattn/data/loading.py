"""Batches in an order that is a pure function of (seed, epoch), so training can resume anywhere."""

from collections.abc import Sequence
from typing import Any, Protocol, cast

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate

from resattn.data.bits import check_seed, permutation

_ORDER_STREAM = 1  # keeps the order's stream apart from the streams of the data itself


class ImageDataset(Protocol):
    """A map-style dataset of (image, label) pairs, or of longer tuples that begin so."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


class LabelledImages(ImageDataset, Protocol):
    """A dataset of this package: all labels are at hand, and batches come stacked."""

    @property
    def labels(self) -> Tensor: ...

    def __getitems__(self, indices: Sequence[int], /) -> tuple[Any, ...]: ...


class InMemoryImages(Dataset):
    """Images and labels held in memory; a batch is one indexing operation, with no work an item.

    Attributes:
        images: uint8 ``(N, C, H, W)``, 0 to 255.
        labels: int64 ``(N,)``.

    Item ``i`` is ``(float32 image (C, H, W) in [0, 1], int label)``.
    """

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        self.images = images
        self.labels = labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.images[index].float() / 255, int(self.labels[index])

    def __getitems__(self, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Images float32 ``(B, C, H, W)`` and labels int64 ``(B,)``, already stacked."""
        picked = torch.as_tensor(indices)
        return self.images[picked].float() / 255, self.labels[picked]


def collate(batch: Any) -> tuple[Any, ...]:
    """Pass a batch that came stacked out of ``__getitems__``; stack a list of items.

    Raises:
        ValueError: for images that are no tensors, or that differ in size.
    """
    if isinstance(batch, tuple):
        return batch
    try:
        return tuple(default_collate(batch))
    except (RuntimeError, TypeError) as error:
        images = [item[0] for item in batch]
        for image in images:
            if not isinstance(image, Tensor | np.ndarray):
                raise ValueError(
                    f"an image must be a tensor, got {kind(image)}; give the dataset a transform "
                    "that makes one, such as torchvision.transforms.ToTensor()"
                ) from error
        shapes = sorted({tuple(image.shape) for image in images})
        if len(shapes) > 1:
            raise ValueError(
                f"the images of a batch must have one shape, got {shapes[0]} and {shapes[-1]}; "
                "resize or crop them all to one size"
            ) from error
        raise ValueError(
            f"its items cannot be stacked ({str(error).splitlines()[0]}); give each item the same "
            "parts in the same shapes"
        ) from error


def kind(value: object) -> str:
    """Name a value of a wrong type in a message."""
    if value is None or isinstance(value, str):
        return repr(value)
    name = type(value).__name__
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"


def batch_indices(
    length: int,
    batch_size: int,
    *,
    shuffle_seed: int | None = None,
    epoch: int = 0,
    rank: int = 0,
    world_size: int = 1,
    drop_last: bool = False,
) -> list[list[int]]:
    """The indices of each of this rank's batches, in order.

    Every rank cuts the same global order into global batches of ``batch_size`` and takes every
    ``world_size``-th image of each. With more than one rank the last batch is cut to a multiple of
    ``world_size``, so that all ranks make the same number of steps on equally many images.
    """
    order = range(length)
    if shuffle_seed is not None:
        order = permutation(length, _ORDER_STREAM, shuffle_seed, epoch).tolist()
    end = length - length % (batch_size if drop_last else world_size)
    starts = range(0, end, batch_size)
    return [list(order[s : min(s + batch_size, end)][rank::world_size]) for s in starts]


def make_loader(
    dataset: ImageDataset,
    batch_size: int,
    *,
    shuffle_seed: int | None = None,
    epoch: int = 0,
    skip_batches: int = 0,
    workers: int = 0,
    rank: int = 0,
    world_size: int = 1,
    drop_last: bool = False,
) -> DataLoader:
    """A loader for **one** epoch whose batches are a pure function of (seed, epoch).

    Args:
        dataset: map-style. If it has ``set_epoch``, that is called first: random augmentation is a
            pure function of (its seed, epoch, index), so a resumed epoch sees the same pixels.
        batch_size: images of the **global** batch, a multiple of ``world_size``.
        shuffle_seed: None keeps the dataset's order.
        epoch: which epoch's order and augmentation.
        skip_batches: batches already trained on; they are skipped without being loaded.
        workers: processes that load; 0 loads here. The batches do not depend on it.
        rank, world_size: this process among those that share each global batch.
        drop_last: leave out a last batch smaller than ``batch_size``.

    Iterating yields (images float32 ``(B, C, H, W)``, labels int64 ``(B,)``), and leaves the global
    random state of torch as it was.

    Raises:
        ValueError: for an argument out of range, naming the value and the limit.
    """
    _check(batch_size, shuffle_seed, epoch, skip_batches, workers, rank, world_size)
    if hasattr(dataset, "set_epoch"):
        dataset.set_epoch(epoch)
    batches = batch_indices(
        len(dataset),
        batch_size,
        shuffle_seed=shuffle_seed,
        epoch=epoch,
        rank=rank,
        world_size=world_size,
        drop_last=drop_last,
    )
    if skip_batches > len(batches):
        raise ValueError(
            f"cannot skip {skip_batches} batches of an epoch that has {len(batches)}; "
            f"skip_batches may be 0 to {len(batches)}"
        )
    return DataLoader(
        cast("Dataset[Any]", dataset),
        batch_sampler=batches[skip_batches:],
        num_workers=workers,
        collate_fn=collate,
        pin_memory=torch.cuda.is_available(),
        generator=torch.Generator(),  # else each epoch would draw from the global generator
    )


def _check(
    batch_size: int,
    shuffle_seed: int | None,
    epoch: int,
    skip_batches: int,
    workers: int,
    rank: int,
    world_size: int,
) -> None:
    limits = {
        "batch_size": (batch_size, 1),
        "epoch": (epoch, 0),
        "skip_batches": (skip_batches, 0),
        "workers": (workers, 0),
        "world_size": (world_size, 1),
    }
    for name, (value, least) in limits.items():
        if not isinstance(value, int) or value < least:
            raise ValueError(f"{name} must be a whole number, {least} or more, got {value!r}")
    if shuffle_seed is not None:
        check_seed(shuffle_seed)
    if not isinstance(rank, int) or not 0 <= rank < world_size:
        raise ValueError(f"rank must be 0 to world_size - 1 = {world_size - 1}, got {rank!r}")
    if batch_size % world_size:
        nearest = max(1, round(batch_size / world_size)) * world_size
        raise ValueError(
            f"batch_size is shared by world_size = {world_size} processes and must be a multiple "
            f"of it, got {batch_size}; the nearest is {nearest}"
        )
