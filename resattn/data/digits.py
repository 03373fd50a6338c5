"""The 1,797 source digits, their fixed partition, and the plain 8x8 dataset."""

import hashlib
import io
from functools import cache
from pathlib import Path

import numpy as np
import torch

from resattn.data.loading import InMemoryImages

DIGITS_PATH = Path(__file__).with_name("digits.npz")
DIGITS_SHA256 = "6d672c82eb156775a2c26b18ee6bebb3149433697db1ed227be49bfb3457020f"
FULL_INK = 16  # the source counts the inked pixels of 4x4 blocks: 0 to 16
SPLITS = ("train", "val", "test")
_FIFTHS = {"train": (0, 1, 2), "val": (3,), "test": (4,)}


def check_split(split: str) -> str:
    """Return ``split``, or raise ValueError naming the three splits."""
    if split not in SPLITS:
        raise ValueError(f"unknown split {split!r}; choose one of {', '.join(map(repr, SPLITS))}")
    return split


@cache
def load_digits(path: Path = DIGITS_PATH) -> tuple[np.ndarray, np.ndarray]:
    """All source digits: images uint8 (1797, 8, 8), 0 to 16, and labels int64 (1797,).

    Raises:
        FileNotFoundError: if the file is missing.
        ValueError: if its SHA-256 is not `DIGITS_SHA256`.
    """
    mend = (
        "restore it with `git checkout resattn/data/digits.npz`, or install resattn again "
        "(resattn/data/make_digits.py makes it anew)"
    )
    if not path.is_file():
        raise FileNotFoundError(f"the embedded digits are missing: no file {path}; {mend}")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != DIGITS_SHA256:
        raise ValueError(f"the embedded digits are damaged: {path} has a wrong SHA-256; {mend}")
    with np.load(io.BytesIO(content)) as npz:
        images, labels = npz["images"], npz["labels"].astype(np.int64)
    images.flags.writeable = labels.flags.writeable = False  # the cache is shared
    return images, labels


def split_members(split: str) -> list[np.ndarray]:
    """For each class 0 to 9, the indices of the split's source digits, in file order.

    Within each class, digit k of the file belongs to train if k mod 5 is 0, 1 or 2, to val if it
    is 3, to test if it is 4. The partition is fixed: no seed changes it.

    Raises:
        ValueError: for an unknown split.
    """
    fifths = _FIFTHS[check_split(split)]
    _, labels = load_digits()
    members = []
    for digit in range(10):
        of_class = np.flatnonzero(labels == digit)
        members.append(of_class[np.isin(np.arange(len(of_class)) % 5, fifths)])
    return members


class PlainDigits(InMemoryImages):
    """The 8x8 source digits of one split, without clutter, in the order of the file.

    Attributes:
        images: uint8 ``(N, 1, 8, 8)``, 0 to 255.
        labels: int64 ``(N,)``.
        object_masks: bool ``(N, 8, 8)``: a quarter of full ink or more, as in `ClutteredDigits`.
        distractor_masks: bool ``(N, 8, 8)``, all False.

    Args:
        split: "train", "val" or "test": 1,085, 357 and 355 digits.

    Raises:
        ValueError: for an unknown split.
    """

    def __init__(self, split: str) -> None:
        members = np.sort(np.concatenate(split_members(split)))
        glyphs, labels = load_digits()
        ink = torch.from_numpy(glyphs[members].astype(np.int64))
        super().__init__(
            (ink * 255 // FULL_INK).to(torch.uint8)[:, None], torch.from_numpy(labels[members])
        )
        self.object_masks = ink >= FULL_INK // 4
        self.distractor_masks = torch.zeros_like(self.object_masks)
