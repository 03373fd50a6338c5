"""The paper's own task: its CIFAR and ImageNet networks, trained by its own recipe (section 4).

Two scales. "paper" (the default) is the published recipe in float32; "fast" is the same schedule
with bfloat16 autocast and channels-last memory. ``torch.compile`` is off in both: on the CPUs where
it was measured it loses, and on GPUs it was not measured. All need data and a GPU, so `train all`
leaves them out.

Departures. The paper gives no widths for CIFAR: see `resattn.presets`. It states neither batch size
nor weight decay for ImageNet: see `paper_imagenet`. Under ``torchrun`` each process normalises with
the statistics of its own share of the 64 or 256 images: see `resattn.training.stepping.Stepper`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from resattn.create import configured
from resattn.experiments.images import CifarImages, FolderOfImages
from resattn.experiments.paper_numbers import T5, reported
from resattn.experiments.recipe import Data, Network, Recipe, Scale, Variant
from resattn.training import TrainConfig, paper_cifar, paper_imagenet

CIFAR_ATTENTION = tuple(f"attention{depth}" for depth in (56, 92, 128, 164, 236))
BASELINE = "resnet164"
CHECKPOINT_EVERY = 1000
FAST = {"precision": "bfloat16", "channels_last": True}


@dataclass(frozen=True)
class Task:
    """A cell of the paper's tables, or one that it leaves empty.

    Attributes:
        model: without the prefix, for example "attention56".
        data: "cifar10", "cifar100" or "imagenet".
        merge: "arl" or "nal".
        noise: per cent of wrong training labels.
    """

    model: str
    data: str
    merge: str = "arl"
    noise: int = 0

    @property
    def variant(self) -> str:
        """The name of its only variant."""
        suffix = "-nal" * (self.merge == "nal") + f"-noise{self.noise}" * (self.noise > 0)
        return self.model + suffix

    @property
    def name(self) -> str:
        """The name of its recipe."""
        return f"{self.data}-{self.variant}"

    @property
    def reported(self) -> tuple[float, str] | None:
        """The paper's error in per cent, and its table."""
        return reported(self.model, self.data, merge=self.merge, noise=self.noise)

    def recipe(self) -> Recipe:
        """What `train` runs."""
        train = _imagenet() if self.data == "imagenet" else _cifar()
        seeds = (0,) if self.data == "imagenet" else (0, 1, 2)
        return Recipe(
            name=self.name,
            question=self._question(),
            declare=self._declare,
            scales=(
                Scale("paper", self._images(), train, seeds),
                Scale("fast", self._images(), replace(train, **FAST), seeds),
            ),
        )

    def _declare(self, scale: Scale) -> dict[str, Variant]:
        if self.data == "imagenet":
            network = configured(self.model, {"merge": self.merge})
        else:
            options = {"merge": self.merge, "num_classes": int(self.data.removeprefix("cifar"))}
            network = configured(f"cifar_{self.model}", options)
        return {self.variant: Variant(Network(network), scale.data, scale.train)}

    def _images(self) -> Data:
        if self.data == "imagenet":
            return FolderOfImages()
        return CifarImages(self.data, clean_ratio=(100 - self.noise) / 100)

    def _question(self) -> str:
        asked = f"What does {self.model} reach on {self.data} by the paper's recipe"
        naive = ", with naive attention" if self.merge == "nal" else ""
        noisy = f", with {self.noise} % of the labels wrong" if self.noise else ""
        return f"{asked}{naive}{noisy}?"


def _cifar() -> TrainConfig:
    return replace(paper_cifar(), checkpoint_every=CHECKPOINT_EVERY)


def _imagenet() -> TrainConfig:
    return replace(paper_imagenet(), checkpoint_every=CHECKPOINT_EVERY)


def _tasks() -> Iterator[Task]:
    for data in ("cifar10", "cifar100"):
        for merge in ("arl", "nal"):
            for model in CIFAR_ATTENTION:
                yield Task(model, data, merge)
        yield Task(BASELINE, data)
    for model, errors in T5.items():
        for noise in errors:
            yield Task(model, "cifar10", noise=noise)
    yield Task("attention56", "imagenet")


TASKS: dict[str, Task] = {task.name: task for task in _tasks()}
"""By the name of the recipe."""

PAPER_RECIPES: dict[str, Recipe] = {name: task.recipe() for name, task in TASKS.items()}
"""By name; `train all` does not run them."""
