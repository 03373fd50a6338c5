"""What an experiment is: frozen dataclasses, and no loop. `resattn.training.fit` does the training.

A `Recipe` asks a question and declares its variants for each `Scale`; a `Variant` is a network,
data and a schedule; a `Run` is one variant with one seed, and owns one result file.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar, Protocol

from resattn.checks import check_choice
from resattn.config import NetworkConfig
from resattn.cost import config_cost
from resattn.create import configured
from resattn.data import ClutteredDigits, NoisyLabels
from resattn.data.loading import LabelledImages
from resattn.training import TrainConfig
from resattn.widen import widened


@dataclass(frozen=True)
class Network:
    """A network, perhaps widened to the size of another.

    Attributes:
        declared: its configuration, before any widening.
        size_of: widen the units until there are as many parameters as in this one.
    """

    declared: NetworkConfig
    size_of: NetworkConfig | None = None

    @cache  # noqa: B019 - some hundred networks at most
    def config(self) -> NetworkConfig:
        """What is built."""
        if self.size_of is None:
            return self.declared
        return widened(self.declared, Network(self.size_of).cost()[0])

    @cache  # noqa: B019
    def cost(self) -> tuple[int, int]:
        """Parameters, and multiply-adds of one image."""
        return config_cost(self.config())


@dataclass(frozen=True)
class Splits:
    """Training, validation and test data of a run."""

    train: LabelledImages
    val: LabelledImages
    test: LabelledImages


class Data(Protocol):
    """Where a run's images come from: a frozen dataclass that can load them."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def size(self) -> int:
        """Side of an image in pixels."""

    def load(self, seed: int, root: Path) -> Splits:
        """The data of the run with this seed, from files below ``root`` if they need any.

        Raises OSError or ValueError if they are missing.
        """


@dataclass(frozen=True)
class Clutter:
    """Cluttered digits: the seed draws training images and label noise, never those judged on.

    Attributes:
        size: side of the canvas in pixels.
        train, val, test: images of each.
        fragments, noise: as of `resattn.data.ClutteredDigits`.
        clean_ratio: share of right labels among the training images; see `noisy_labels`.
    """

    size: int
    train: int
    val: int
    test: int
    fragments: int
    noise: float = 0.08
    clean_ratio: float = 1.0

    def load(self, seed: int, root: Path | None = None) -> Splits:
        """Training images from ``seed``; validation and test images the same for every run.

        They are drawn, so ``root`` is of no use to them.
        """

        def made(split: str, n: int, key: int) -> ClutteredDigits:
            return ClutteredDigits(
                split, n, size=self.size, fragments=self.fragments, noise=self.noise, seed=key
            )

        train: LabelledImages = made("train", self.train, seed)
        if self.clean_ratio < 1:
            train = NoisyLabels(train, self.clean_ratio, seed=seed)
        return Splits(train, made("val", self.val, 0), made("test", self.test, 0))


@dataclass(frozen=True)
class Variant:
    """One arm of an experiment, all but the seed.

    Attributes:
        network, data, train: what learns, its images, its schedule.
        mask_weight: weight of the loss that teaches masks the object's true place; 0 for none.
    """

    network: Network
    data: Data
    train: TrainConfig
    mask_weight: float = 0.0


@dataclass(frozen=True)
class Scale:
    """A size at which experiments run.

    Attributes:
        name: "small" for two CPU cores, "full" for a GPU; the paper's tasks have "paper" and
            "fast".
        data, train: what variants start from.
        seeds: each variant is run with all of them.
    """

    name: str
    data: Data
    train: TrainConfig
    seeds: tuple[int, ...]

    def variant(
        self,
        kind: str = "attention",
        options: Mapping[str, Any] | None = None,
        *,
        size_of: "Variant | None" = None,
        data: Mapping[str, Any] | None = None,
        train: Mapping[str, Any] | None = None,
        mask_weight: float = 0.0,
    ) -> Variant:
        """A variant of this scale: preset ``small_<kind><pixels>``, and what departs from it.

        Args:
            kind: of preset: "attention", "resnet", "se", "cbam" or "bam".
            options: of `create_model`.
            size_of: widen the network to the parameters of this variant's.
            data, train: fields of the scale's own that are replaced.
            mask_weight: see `Variant`.
        """
        network = configured(f"small_{kind}{self.data.size}", options or {})
        return Variant(
            network=Network(network, size_of.network.declared if size_of else None),
            data=replace(self.data, **(data or {})),
            train=replace(self.train, **(train or {})),
            mask_weight=mask_weight,
        )


@dataclass(frozen=True)
class Recipe:
    """An experiment.

    Attributes:
        name: on the command line and in paths.
        question: in one sentence.
        declare: gives the variants at a scale, by name.
        scales: at which it can run, each with its own seeds; the first is the default.
        checkpoints: variants whose weights ship beside the result of the first seed, for lessons
            that draw their masks.
    """

    name: str
    question: str
    declare: Callable[[Scale], dict[str, Variant]]
    scales: tuple[Scale, ...]
    checkpoints: tuple[str, ...] = ()

    def scale(self, name: str | None) -> Scale:
        """The scale of that name; None is the default. Raises ValueError if the recipe has none."""
        if name is None:
            return self.scales[0]
        check_choice(f"scale of {self.name}", name, [scale.name for scale in self.scales])
        return next(scale for scale in self.scales if scale.name == name)


@dataclass(frozen=True)
class Run:
    """One variant with one seed: what a result file records."""

    recipe: str
    scale: str
    name: str
    variant: Variant
    seed: int

    @property
    def file(self) -> str:
        """The result's path below the folder of results."""
        return f"{self.scale}/{self.recipe}/{self.name}-seed{self.seed}.json"

    @property
    def train(self) -> TrainConfig:
        """The schedule with the run's own seed."""
        return replace(self.variant.train, seed=self.seed)

    @property
    def command(self) -> str:
        """What makes this run and no other."""
        return (
            f"python -m resattn train {self.recipe} --scale {self.scale} "
            f"--variants {self.name} --seeds {self.seed}"
        )

    def configuration(self) -> dict[str, Any]:
        """All that decides the result, as plain JSON values, the whole network included."""
        parameters, multiply_adds = self.variant.network.cost()
        stated = {
            "network": asdict(self.variant.network.config()),
            "parameters": parameters,
            "multiply_adds": multiply_adds,
            "data": {"kind": type(self.variant.data).__name__, **asdict(self.variant.data)},
            "train": asdict(self.train),
            "mask_weight": self.variant.mask_weight,
        }
        as_in_a_file: dict[str, Any] = json.loads(json.dumps(stated))  # tuples become lists
        return as_in_a_file


def configuration_hash(configuration: Mapping[str, object]) -> str:
    """Eight digits that tell configurations apart."""
    return sha256(json.dumps(configuration, sort_keys=True).encode()).hexdigest()[:8]
