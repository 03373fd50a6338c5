"""CIFAR-10 and CIFAR-100 in memory, with the paper's augmentation."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from resattn.data.bits import below, check_seed, stream
from resattn.data.cifar_files import fetch, find_archive, read_files
from resattn.data.loading import InMemoryImages

PADDING = 4

_AUGMENT = 8  # the purpose of the stream


class Cifar(InMemoryImages):
    """CIFAR-10 or CIFAR-100 as in the paper's section 4.1.

    The per-pixel RGB mean of the training set is subtracted. For training, each image is padded
    by 4 with zeros (that is, with the mean), a random 32x32 crop is taken, and half are flipped.
    The augmentation of an image is a pure function of (seed, epoch, index), not of its batch: so
    neither resuming, nor workers, nor the number of processes changes it.

    Attributes:
        images: uint8 ``(N, 3, 32, 32)``; labels: int64 ``(N,)``.
        mean: float32 ``(3, 32, 32)``, of the training set, in [0, 1].

    A batch is (float32 ``(B, 3, 32, 32)``: image / 255 - mean, augmented; int64 ``(B,)``).

    Args:
        name: "cifar10" or "cifar100" (fine labels).
        split: "train" or "test".
        root: the folder that holds the extracted archive.
        augment: whether to crop and flip; False for training images that are to be evaluated.
        seed: of the augmentation.
        download: fetch the dataset first if it is not there.

    Raises:
        ValueError: for an unknown name or split, or files that are damaged.
        FileNotFoundError: if the dataset is not there, naming the command that fetches it.
    """

    def __init__(
        self,
        name: str,
        split: str,
        *,
        root: str | Path = "data",
        augment: bool = True,
        seed: int = 0,
        download: bool = False,
    ) -> None:
        archive = find_archive(name)
        if split not in ("train", "test"):
            raise ValueError(f"unknown split {split!r} of {name}; choose 'train' or 'test'")
        self.seed = check_seed(seed)
        folder = fetch(name, root) if download else Path(root) / archive.folder
        train_images, train_labels = read_files(name, folder, archive.train)
        self.mean = (train_images.double().mean(dim=0) / 255).float()
        self.augment = augment and split == "train"
        if split == "train":
            super().__init__(train_images, train_labels)
        else:
            super().__init__(*read_files(name, folder, archive.test))
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Draw the crops and flips of every image for this epoch."""
        words = stream(_AUGMENT, self.seed, epoch).random_raw((len(self), 3))
        limits = (2 * PADDING + 1, 2 * PADDING + 1, 2)  # row, column, flipped or not
        self._draws = torch.from_numpy(below(words, np.array(limits)))

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        images, labels = self.__getitems__([index])
        return images[0], int(labels[0])

    def __getitems__(self, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        picked = torch.as_tensor(indices)
        images, labels = super().__getitems__(indices)
        images -= self.mean
        if self.augment:
            images = crop_and_flip(images, self._draws[picked])
        return images, labels


def crop_and_flip(images: Tensor, draws: Tensor) -> Tensor:
    """Pad by 4 with zeros, crop to the old size, flip where asked.

    Args:
        images: ``(B, C, H, W)``.
        draws: int64 ``(B, 3)``: row and column of the crop, 0 to 8 (4 is the middle); 1 to flip.
    """
    height, width = images.shape[-2:]
    windows = F.pad(images, [PADDING] * 4).unfold(2, height, 1).unfold(3, width, 1)
    rows, columns, flipped = draws.T  # windows: (B, C, 9, 9, H, W)
    crops = windows[torch.arange(len(images)), :, rows, columns]
    return torch.where(flipped.bool()[:, None, None, None], crops.flip(-1), crops)
