"""CIFAR-10 and CIFAR-100 in memory, with the paper's augmentation; nothing downloads unasked."""

import os
import pickle
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .bits import below, check_seed, stream
from .loading import InMemoryImages

PADDING = 4

_AUGMENT = 8  # the purpose of the stream


@dataclass(frozen=True)
class _Archive:
    torchvision_name: str
    folder: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    label_key: str
    num_classes: int


ARCHIVES = {
    "cifar10": _Archive(
        "CIFAR10",
        "cifar-10-batches-py",
        tuple(f"data_batch_{i}" for i in range(1, 6)),
        ("test_batch",),
        "labels",
        10,
    ),
    "cifar100": _Archive("CIFAR100", "cifar-100-python", ("train",), ("test",), "fine_labels", 100),
}


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
        archive = _archive(name)
        if split not in ("train", "test"):
            raise ValueError(f"unknown split {split!r} of {name}; choose 'train' or 'test'")
        self.seed = check_seed(seed)
        folder = fetch(name, root) if download else Path(root) / archive.folder
        train_images, train_labels = _read(name, folder, archive.train)
        self.mean = (train_images.double().mean(dim=0) / 255).float()
        self.augment = augment and split == "train"
        if split == "train":
            super().__init__(train_images, train_labels)
        else:
            super().__init__(*_read(name, folder, archive.test))
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
        images, labels = super().__getitems__(picked)
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


def fetch(name: str, root: str | Path = "data") -> Path:
    """Download (if needed) and extract a CIFAR archive into ``root``; return its folder.

    Does nothing if the extracted files are there and sound. An archive with the right MD5 that
    already lies in ``root`` is used instead of a download. The folder appears only when whole.

    Raises:
        ValueError: for an unknown name.
        RuntimeError: if the download or the archive fails, naming the cause.
    """
    archive = _archive(name)
    folder = Path(root) / archive.folder
    try:
        for files in (archive.train, archive.test):
            _read(name, folder, files)
    except (FileNotFoundError, ValueError):
        _download(name, Path(root), folder)
    return folder


def _download(name: str, root: Path, folder: Path) -> None:
    from torchvision import datasets  # here, so that importing resattn stays cheap
    from torchvision.datasets.utils import download_and_extract_archive

    source = getattr(datasets, ARCHIVES[name].torchvision_name)
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root) as unfinished:
            download_and_extract_archive(
                source.url,
                str(root),
                extract_root=unfinished,
                filename=source.filename,
                md5=source.tgz_md5,
            )
            shutil.rmtree(folder, ignore_errors=True)
            os.replace(Path(unfinished) / folder.name, folder)
    except (OSError, RuntimeError, EOFError, tarfile.TarError, zlib.error) as error:
        raise RuntimeError(
            f"could not fetch {name} from {source.url} into {root}: {error}; check the network "
            f"and the disk, delete {root / source.filename} if it is there, and run it again"
        ) from error


def _archive(name: str) -> _Archive:
    if name not in ARCHIVES:
        raise ValueError(f"unknown dataset {name!r}; choose 'cifar10' or 'cifar100'")
    return ARCHIVES[name]


def _read(name: str, folder: Path, files: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Images uint8 (N, 3, 32, 32) and labels int64 (N,) of python-format files, checked."""
    archive = ARCHIVES[name]
    mend = f"python -m resattn data {name} --root {folder.parent}"
    images, labels = [], []
    for path in (folder / file for file in files):
        if not path.is_file():
            raise FileNotFoundError(f"{name} is not at {path}; fetch it with `{mend}`")
        try:
            entry = _Unpickler(path.open("rb"), encoding="latin1").load()
            pixels = entry["data"].reshape(-1, 3, 32, 32)
            classes = np.asarray(entry[archive.label_key], dtype=np.int64)
            whole = pixels.dtype == np.uint8 and classes.shape == pixels.shape[:1]
            whole = whole and len(classes) and 0 <= classes.min() <= classes.max()
            if not whole or classes.max() >= archive.num_classes:
                raise ValueError("images and labels do not fit")
        except Exception as error:  # a damaged pickle may raise anything
            raise ValueError(
                f"{path} is damaged ({error}); delete {folder} and fetch it again with `{mend}`"
            ) from error
        images.append(pixels)
        labels.append(classes)
    return torch.from_numpy(np.concatenate(images)), torch.from_numpy(np.concatenate(labels))


class _Unpickler(pickle.Unpickler):
    """Reads numpy arrays and plain values only: a pickle from elsewhere must not run code."""

    def find_class(self, module: str, name: str) -> object:
        if (module.replace("._core.", ".core."), name) in {
            ("numpy.core.multiarray", "_reconstruct"),
            ("numpy.core.numeric", "_frombuffer"),
            ("numpy", "ndarray"),
            ("numpy", "dtype"),
            ("_codecs", "encode"),
        }:
            return super().find_class(module.replace("numpy.core.", "numpy._core."), name)
        raise pickle.UnpicklingError(f"unexpected {module}.{name}")
