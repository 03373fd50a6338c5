"""Label noise after equation 7: a label stays true with probability r, the clean ratio."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.utils.data import Dataset

from resattn.data.bits import below, check_seed, stream
from resattn.data.loading import LabelledImages

_NOISY_LABELS = 7  # the purpose of the stream; loading and cluttered have 1 to 6


def noisy_labels(
    labels: Tensor, clean_ratio: float, num_classes: int = 10, *, seed: int = 0
) -> Tensor:
    """Labels drawn from the rows of equation 7's transition matrix.

    The matrix has ``r = clean_ratio`` on its diagonal and ``(1 - r) / (K - 1)`` elsewhere, with
    K classes (the paper has K = 10). This r is the **clean** ratio: the paper's noise levels of
    10, 30, 50 and 70 % are r = 0.9, 0.7, 0.5 and 0.3. It is not the hyper-parameter r of the mask.

    Args:
        labels: int64 ``(N,)``, 0 to ``num_classes - 1``; left as they are.
        clean_ratio: r, 0 to 1; at 1 the labels come back unchanged.
        num_classes: K, 2 or more.
        seed: whole number; the same seed gives the same labels on every machine, and label ``i``
            does not depend on how many follow. With a smaller r the same labels flip, and more.

    Raises:
        ValueError: for an argument or a label out of range.
    """
    if not isinstance(clean_ratio, int | float) or not 0 <= clean_ratio <= 1:
        raise ValueError(f"clean_ratio must be a number from 0 to 1, got {clean_ratio!r}")
    if not isinstance(num_classes, int) or num_classes < 2:
        raise ValueError(f"num_classes must be a whole number, 2 or more, got {num_classes!r}")
    check_seed(seed)
    outside = (labels < 0) | (labels >= num_classes)
    if outside.any():
        raise ValueError(
            f"labels must lie in 0 to num_classes - 1 = {num_classes - 1}, "
            f"got {int(labels[outside][0])}"
        )
    keep, other = stream(_NOISY_LABELS, seed).random_raw((len(labels), 2)).T
    flipped = torch.from_numpy((keep >> 11) >= int(clean_ratio * 2**53))
    steps = 1 + torch.from_numpy(below(other, num_classes - 1))  # 1 to K - 1: never back home
    return torch.where(flipped, (labels + steps) % num_classes, labels)


class NoisyLabels(Dataset):
    """A dataset of this package whose labels went through `noisy_labels`; images stay as they are.

    Attributes:
        labels: the noisy labels that items and batches carry, int64 ``(N,)``.
        true_labels: the labels of the wrapped dataset.
        dataset: the wrapped dataset.

    Args and errors: as in `noisy_labels`.
    """

    def __init__(
        self, dataset: LabelledImages, clean_ratio: float, num_classes: int = 10, *, seed: int = 0
    ) -> None:
        self.dataset = dataset
        self.true_labels = dataset.labels
        self.labels = noisy_labels(dataset.labels, clean_ratio, num_classes, seed=seed)

    def set_epoch(self, epoch: int) -> None:
        """Pass the epoch on to the wrapped dataset, if that augments."""
        if hasattr(self.dataset, "set_epoch"):
            self.dataset.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.dataset[index][0], int(self.labels[index])

    def __getitems__(self, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Images and noisy labels of a batch, stacked."""
        return self.dataset.__getitems__(indices)[0], self.labels[torch.as_tensor(indices)]
