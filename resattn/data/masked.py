"""Batches that carry the object's true mask, for those who teach a network where to look."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from resattn.data.loading import LabelledImages


class WithObjectMasks(Dataset):
    """A dataset of this package that gives (image, label, object mask) instead of pairs.

    Attributes:
        dataset: the wrapped dataset, with images, labels and ``object_masks``.
        labels: its labels, int64 ``(N,)``.

    Item ``i`` is ``(float32 image (C, H, W), int label, bool mask (H, W))``.

    Raises:
        ValueError: for a dataset without object masks.
    """

    def __init__(self, dataset: LabelledImages) -> None:
        if not hasattr(dataset, "object_masks"):
            raise ValueError(
                f"{type(dataset).__name__} has no object_masks; ClutteredDigits is one that has"
            )
        self.dataset: Any = dataset
        self.labels = dataset.labels

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> tuple[Tensor, int, Tensor]:
        return *self.dataset[index], self.dataset.object_masks[index]

    def __getitems__(self, indices: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
        """Images, labels and masks ``(B, H, W)`` of a batch, stacked."""
        masks = self.dataset.object_masks[torch.as_tensor(indices)]
        return *self.dataset.__getitems__(indices), masks
