"""A folder of images, one subfolder a class, with ImageNet's augmentation."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.utils.data import Dataset

from resattn.data.bits import check_seed, stream

if TYPE_CHECKING:  # torchvision is imported only when a folder is opened
    from torchvision.datasets import ImageFolder

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

_AUGMENT = 9  # the purpose of the stream


class FolderImages(Dataset):
    """Images at ``root/<split>/<class>/<file>``, as in the paper's section 4.2.

    For training: scale and aspect augmentation (a crop of 8 to 100 % of the area, aspect 3/4 to
    4/3, resized), a flip, colour jitter. Else: the short side to ``size * 256 / 224``, then the
    centre crop. Then ImageNet's mean and standard deviation. The augmentation of an image is a
    pure function of (seed, epoch, index).

    Departure: the paper names "color augmentation" without its constants; here brightness,
    contrast and saturation vary by up to 40 %.

    Attributes:
        classes: names of the classes, sorted; the label is the position.
        labels: int64 ``(N,)``.

    Item ``i`` is (float32 image ``(3, size, size)``, normalised, int label).

    Args:
        root: the folder that holds the splits.
        split: name of a subfolder; "train" is augmented, any other is not.
        size: side of the images given out, in pixels, 1 or more.
        seed: of the augmentation.

    Raises:
        FileNotFoundError: if the folder is missing or has no images, naming the layout expected.
        ValueError: for ``size`` < 1, or (when read) an image that cannot be decoded.
    """

    def __init__(self, root: str | Path, split: str, *, size: int = 224, seed: int = 0) -> None:
        if not isinstance(size, int) or size < 1:
            raise ValueError(f"size must be a whole number, 1 or more, got {size!r}")
        self.seed = check_seed(seed)
        self._augment = split == "train"
        self._files = _find_files(Path(root) / split)
        self.classes = self._files.classes
        self.labels = torch.tensor(self._files.targets)
        self._transform = _transform(size, augment=self._augment)
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Draw the seed of every image's augmentation for this epoch."""
        self._seeds = stream(_AUGMENT, self.seed, epoch).random_raw(len(self))

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        try:
            image, label = self._files[index]
        except (OSError, SyntaxError) as error:  # PIL raises either on damaged files
            path = self._files.samples[index][0]
            raise ValueError(
                f"cannot read the image {path} ({error}); mend or remove it"
            ) from error
        with torch.random.fork_rng(devices=[], enabled=self._augment):
            if self._augment:  # the transforms draw from the global CPU generator only
                torch.default_generator.manual_seed(int(self._seeds[index] >> 1))
            return self._transform(image), label

    def __getitems__(self, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Images ``(B, 3, size, size)`` and labels ``(B,)``, stacked."""
        images = torch.stack([self[index][0] for index in indices])
        return images, self.labels[torch.as_tensor(indices)]


def _find_files(folder: Path) -> "ImageFolder":
    from torchvision.datasets import ImageFolder

    try:
        return ImageFolder(str(folder))
    except FileNotFoundError as error:
        cause = " ".join(str(error).split())
        raise FileNotFoundError(
            f"no images at {folder} ({cause}); put them at {folder}/<class>/<file>.jpg, "
            "at least one for each class"
        ) from error


def _transform(size: int, *, augment: bool) -> Callable[[object], Tensor]:
    from torchvision.transforms import v2

    if augment:
        place = [
            v2.RandomResizedCrop(size, scale=(0.08, 1.0), antialias=True),
            v2.RandomHorizontalFlip(),
            v2.ColorJitter(brightness=0.4, contrast=0.4, saturation=0.4),
        ]
    else:
        place = [v2.Resize(size * 256 // 224, antialias=True), v2.CenterCrop(size)]
    return v2.Compose(
        [
            v2.PILToTensor(),
            *place,
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(IMAGENET_MEAN, IMAGENET_STD),
        ]
    )
