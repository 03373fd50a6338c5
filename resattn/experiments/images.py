"""The images of the paper's own task. No validation split, as in the paper.

The paper trains on all training images and reports the error on the test images. So ``val`` **is**
``test`` here, and the schedules of `resattn.experiments.paper` judge on it once, after the last
step: no step, rate or network is chosen by it. A result's validation and test errors are that one
measurement, and its probes look at test images. Where the files lie is no part of a configuration.
"""

from dataclasses import dataclass
from pathlib import Path

from resattn.data import Cifar, FolderImages, NoisyLabels
from resattn.data.loading import LabelledImages
from resattn.experiments.recipe import Splits


@dataclass(frozen=True)
class CifarImages:
    """CIFAR-10 or CIFAR-100 as in section 4.1: see `resattn.data.Cifar`.

    Attributes:
        name: "cifar10" or "cifar100".
        clean_ratio: share of right labels among the training images; see `noisy_labels`.
    """

    name: str
    clean_ratio: float = 1.0

    @property
    def size(self) -> int:
        """Side of an image in pixels."""
        return 32

    def load(self, seed: int, root: Path) -> Splits:
        """The archive in ``root``; the seed draws crops, flips and label noise.

        Raises:
            FileNotFoundError: if it is not there, naming the command that fetches it.
            ValueError: if a file is damaged.
        """
        train: LabelledImages = Cifar(self.name, "train", root=root, seed=seed)
        if self.clean_ratio < 1:
            classes = int(self.name.removeprefix("cifar"))
            train = NoisyLabels(train, self.clean_ratio, classes, seed=seed)
        test = Cifar(self.name, "test", root=root)
        return Splits(train, test, test)


@dataclass(frozen=True)
class FolderOfImages:
    """A folder of images as in section 4.2, one subfolder a class: see `resattn.data.FolderImages`.

    Attributes:
        name: of the folder below the root; it holds ``train`` and ``val``.
        size: side in pixels of the images given out.
        classes: that both splits must have.
    """

    name: str = "imagenet"
    size: int = 224
    classes: int = 1000

    def load(self, seed: int, root: Path) -> Splits:
        """The images in ``root/<name>``; the seed draws their augmentation.

        Raises:
            FileNotFoundError: if a split is missing or empty, naming the layout expected.
            ValueError: for another number of classes, or splits whose classes differ.
        """
        folder = Path(root) / self.name
        train = FolderImages(folder, "train", size=self.size, seed=seed)
        test = FolderImages(folder, "val", size=self.size)
        if len(train.classes) != self.classes:
            raise ValueError(
                f"{folder / 'train'} has {len(train.classes)} classes where the recipe has "
                f"{self.classes}; put one subfolder there for each class"
            )
        if train.classes != test.classes:
            differing = min(set(train.classes) ^ set(test.classes))
            raise ValueError(
                f"only one of train and val in {folder} has the class {differing!r}; give both "
                f"the same subfolders"
            )
        return Splits(train, test, test)
