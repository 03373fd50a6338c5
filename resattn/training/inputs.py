"""What a dataset must be for `fit` and `evaluate`, and the sentence for each that is not."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, Subset, TensorDataset

from resattn.data.loading import collate, kind

SAMPLE = 32
"""Items that are looked at before any work, spread evenly over a dataset."""


def check_dataset(name: str, dataset: Any) -> None:
    """Raise ValueError unless ``dataset`` is map-style and holds images.

    Args:
        name: of the argument that it is, for the message; here and below.
    """
    if isinstance(dataset, DataLoader):
        raise ValueError(
            f"{name} is a DataLoader; give the dataset inside it ({name}.dataset), and its batch "
            "size as batch_size"
        )
    map_style = hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")
    if isinstance(dataset, IterableDataset) or not map_style:
        raise ValueError(
            f"{name} must be a map-style dataset, with __len__ and __getitem__, got "
            f"{kind(dataset)}; collect its items in a list first"
        )
    if len(dataset) == 0:
        raise ValueError(f"{name} holds 0 images; it needs 1 or more")


def check_same_classes(train: Any, val: Any) -> None:
    """Raise ValueError if both datasets name their classes, and not alike: labels would differ."""
    ours, theirs = _classes(train), _classes(val)
    if ours is None or theirs is None or ours == theirs:
        return
    differing = sorted(set(ours) ^ set(theirs))
    how = f"only one of them has {differing[0]!r}" if differing else "their order differs"
    raise ValueError(
        f"train and val have different classes, so one label would mean two things: {how}; give "
        "both the same classes in the same order"
    )


def sample(name: str, dataset: Any) -> tuple[list[int], Tensor, Any]:
    """Return indices spread over the dataset, and their images and labels as a batch.

    Raises:
        ValueError: for items that are no pairs, or that make no batch of sound images.
    """
    count = min(SAMPLE, len(dataset))
    indices = sorted({i * (len(dataset) - 1) // max(1, count - 1) for i in range(count)})
    item = dataset[indices[0]]
    if not isinstance(item, tuple | list) or len(item) < 2:
        raise ValueError(
            f"an item of {name} must be a pair (image, label), got {kind(item)}; make pairs of two "
            "tensors with torch.utils.data.TensorDataset(images, labels)"
        )
    whole = getattr(dataset, "__getitems__", None)
    try:
        images, labels = collate(whole(indices) if whole else [dataset[i] for i in indices])[:2]
    except ValueError as error:
        raise ValueError(f"{name} gives no batch: {error}") from error
    if not isinstance(images, Tensor):
        raise ValueError(f"an image of {name} must be a tensor (C, H, W), got {kind(item[0])}")
    if images.device.type != "cpu":
        raise ValueError(
            f"the images of {name} lie on {images.device}; keep the data on the CPU: each batch is "
            "moved to the device when it is needed"
        )
    check_finite(name, images, indices)
    return indices, images, labels


def check_finite(name: str, images: Tensor, indices: Sequence[int]) -> None:
    """Raise ValueError naming the first of the images with a value that is not finite."""
    unsound = (~images.isfinite()).flatten(1).any(1).nonzero().flatten().tolist()
    if unsound:
        raise ValueError(
            f"image {indices[unsound[0]]} of {name} holds values that are not finite (nan or inf); "
            "repair it or leave it out"
        )


def check_every_image(name: str, dataset: Any, indices: Iterable[int]) -> None:
    """Raise ValueError as `check_finite`, after loading all the images named."""
    for index in indices:
        check_finite(name, torch.as_tensor(dataset[index][0])[None], [index])


def check_labels(name: str, labels: Any, classes: int) -> None:
    """Raise ValueError unless a batch of labels are class indices below ``classes``."""
    if not isinstance(labels, Tensor):
        raise _no_index(name, kind(labels[0]), "number the classes from 0")
    if labels.ndim > 1:
        got = f"a tensor of shape {tuple(labels.shape[1:])}"
        raise _no_index(name, got, "turn one-hot labels into indices with .argmax()")
    if labels.dtype != torch.int64:
        raise _no_index(name, f"{labels.dtype}", "convert the labels with .long()")
    outside = (labels < 0) | (labels >= classes)
    if outside.any():
        raise ValueError(
            f"{name} has the label {int(labels[outside][0])}, and the model gives {classes} "
            f"logits, which are for the labels 0 to {classes - 1}; number the classes from 0, or "
            "build the model with as many classes as the data have"
        )


def _no_index(name: str, got: str, fix: str) -> ValueError:
    return ValueError(f"a label of {name} must be a class index (int64), got {got}; {fix}")


def known_labels(dataset: Any) -> Tensor | None:
    """Return all labels of a dataset where they can be had without loading its images."""
    if isinstance(dataset, Subset):
        labels = known_labels(dataset.dataset)
        return None if labels is None else labels[torch.as_tensor(dataset.indices)]
    if isinstance(dataset, TensorDataset):
        labels = dataset.tensors[1]
    else:
        labels = getattr(dataset, "labels", getattr(dataset, "targets", None))
    try:
        labels = torch.as_tensor(labels)
    except (TypeError, ValueError, RuntimeError):
        return None
    return labels if labels.shape == (len(dataset),) and labels.dtype == torch.int64 else None


def _classes(dataset: Any) -> list[str] | None:
    if isinstance(dataset, Subset):
        return _classes(dataset.dataset)
    classes = getattr(dataset, "classes", None)
    return [str(name) for name in classes] if isinstance(classes, tuple | list) else None
