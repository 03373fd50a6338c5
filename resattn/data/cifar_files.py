"""The files of CIFAR-10 and CIFAR-100: fetched when asked, checked when read."""

import io
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
from torch import Tensor


@dataclass(frozen=True)
class Archive:
    """Where torchvision finds a dataset, and what its files are called."""

    torchvision_name: str
    folder: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    label_key: str
    num_classes: int


ARCHIVES = {
    "cifar10": Archive(
        "CIFAR10",
        "cifar-10-batches-py",
        tuple(f"data_batch_{i}" for i in range(1, 6)),
        ("test_batch",),
        "labels",
        10,
    ),
    "cifar100": Archive("CIFAR100", "cifar-100-python", ("train",), ("test",), "fine_labels", 100),
}


def fetch(name: str, root: str | Path = "data") -> Path:
    """Download (if needed) and extract a CIFAR archive into ``root``; return its folder.

    Does nothing if the extracted files are there and sound. An archive with the right MD5 that
    already lies in ``root`` is used instead of a download. The folder appears only when whole.

    Raises:
        ValueError: for an unknown name.
        RuntimeError: if the download or the archive fails, naming the cause.
    """
    archive = find_archive(name)
    folder = Path(root) / archive.folder
    try:
        for files in (archive.train, archive.test):
            read_files(name, folder, files)
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
            f"could not fetch {name} from {source.url} into {root}: {error}; "
            "check the network and the disk, and run it again"
        ) from error


def find_archive(name: str) -> Archive:
    """The archive of a dataset's name, or ValueError naming the choices."""
    if name not in ARCHIVES:
        raise ValueError(f"unknown dataset {name!r}; choose 'cifar10' or 'cifar100'")
    return ARCHIVES[name]


def read_files(name: str, folder: Path, files: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Images uint8 (N, 3, 32, 32) and labels int64 (N,) of python-format files, checked."""
    archive = ARCHIVES[name]
    mend = f"python -m resattn data {name} --root {folder.parent}"
    images, labels = [], []
    for path in (folder / file for file in files):
        if not path.is_file():
            raise FileNotFoundError(f"{name} is not at {path}; fetch it with `{mend}`")
        try:
            entry = _Unpickler(io.BytesIO(path.read_bytes()), encoding="latin1").load()
            pixels = entry["data"].reshape(-1, 3, 32, 32)
            classes = np.asarray(entry[archive.label_key], dtype=np.int64)
            whole = pixels.dtype == np.uint8 and classes.shape == pixels.shape[:1]
            whole = whole and len(classes) and 0 <= classes.min() <= classes.max()
            if not whole or classes.max() >= archive.num_classes:
                raise ValueError("images and labels do not fit")
        except Exception as error:  # a damaged pickle may raise anything
            raise ValueError(
                f"{path} is damaged ({error}); fetch {name} again with `{mend}`"
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
