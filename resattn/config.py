"""Configurations of networks and their stages: frozen dataclasses that refuse impossible values."""

from collections.abc import Iterator
from dataclasses import dataclass

from resattn.attention import MERGE_RULES
from resattn.checks import check_at_least, check_choice, check_flag
from resattn.gates import GATE_KINDS
from resattn.masks import MASK_ACTIVATIONS, MASK_KINDS
from resattn.resampling import UPSAMPLINGS, check_map_size
from resattn.units import UNIT_KINDS

STEM_KINDS = ("imagenet", "small")

_STAGE_LEAST = {"channels": 1, "width": 1, "stride": 1, "modules": 0, "poolings": 1, "plain": 0}
_COUNTS = (
    *("stem_channels", "image_size", "in_channels", "num_classes", "groups", "reduction"),
    *("p", "t", "r", "local_units"),
)


@dataclass(frozen=True, kw_only=True)
class StageConfig:
    """Configuration of a stage: an entry unit, attention modules, plain units.

    Attributes:
        channels: of every map in the stage.
        width: inner channels of its units.
        stride: of the entry unit.
        modules: attention modules after the entry unit.
        poolings: of each module's mask.
        plain: residual units after the modules.
    """

    channels: int
    width: int
    stride: int = 1
    modules: int = 0
    poolings: int = 1
    plain: int = 0

    def __post_init__(self) -> None:
        for name, least in _STAGE_LEAST.items():
            number = check_at_least(f"a stage's {name}", getattr(self, name), least)
            object.__setattr__(self, name, number)


def check_stages(stages: object) -> None:
    """Raises ValueError unless ``stages`` is a tuple of at least one `StageConfig`."""
    if not (stages and isinstance(stages, tuple)) or not all(
        isinstance(stage, StageConfig) for stage in stages
    ):
        raise ValueError(f"stages must be a tuple of 1 or more StageConfig: {stages!r}")


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """Configuration of a whole network.

    Attributes:
        stages: from the largest map to the smallest.
        stem: ``"imagenet"`` (7x7 stride 2, 3x3 max-pool stride 2) or ``"small"`` (3x3 stride 1).
        stem_channels: channels after the stem.
        image_size: nominal side in pixels, for which multiply-adds are stated. Any other size,
            square or not, may be fed whose sides are at least ``smallest_image``.
        in_channels, num_classes: of image and logits.
        unit: ``"preact"``, ``"post"`` or ``"inception"``.
        groups: of the units' 3x3 convolutions.
        gate: ``"se"`` or ``"cbam"`` in every unit outside the masks, ``"bam"`` at the end of every
            stage but the last, or ``"none"``.
        reduction: of the gate.
        p, t, r: units before (and after) the split, in the trunk, between poolings.
        merge: ``"arl"``, ``"nal"``, or ``"none"`` for the same trunk without masks.
        mask: ``"hourglass"`` or ``"local"``.
        local_units: units of the local-convolution mask.
        activation: ``"mixed"`` (f1), ``"channel"`` (f2) or ``"spatial"`` (f3).
        upsampling: ``"bilinear"``, ``"nearest"`` or ``"transposed"``.
        skips: False leaves the hourglass's skip units out.
        final_norm: True puts a BN just before the mask's activation.

    Raises:
        ValueError: naming the value, the limit and the nearest valid choice.
    """

    stages: tuple[StageConfig, ...]
    stem: str
    stem_channels: int
    image_size: int
    in_channels: int = 3
    num_classes: int = 1000
    unit: str = "preact"
    groups: int = 1
    gate: str = "none"
    reduction: int = 16
    p: int = 1
    t: int = 2
    r: int = 1
    merge: str = "arl"
    mask: str = "hourglass"
    local_units: int = 3
    activation: str = "mixed"
    upsampling: str = "bilinear"
    skips: bool = True
    final_norm: bool = False

    def __post_init__(self) -> None:
        check_choice("stem", self.stem, STEM_KINDS)
        check_choice("unit", self.unit, UNIT_KINDS)
        check_choice("gate", self.gate, GATE_KINDS)
        check_choice("merge rule", self.merge, MERGE_RULES)
        check_choice("mask", self.mask, MASK_KINDS)
        check_choice("mask activation", self.activation, MASK_ACTIVATIONS)
        check_choice("upsampling", self.upsampling, UPSAMPLINGS)
        for name in _COUNTS:
            object.__setattr__(self, name, check_at_least(name, getattr(self, name), 1))
        for name in ("skips", "final_norm"):
            check_flag(name, getattr(self, name))
        check_stages(self.stages)
        for stage in self.stages:
            if stage.width % self.groups:
                nearest = max(1, round(stage.width / self.groups)) * self.groups
                raise ValueError(
                    f"a unit's width must be divisible by its groups, got width {stage.width} "
                    f"and {self.groups} groups; the nearest width is {nearest}"
                )
        for stage, side in zip(self.stages, self.map_sides(), strict=True):
            if self._pools(stage):
                check_map_size(side, side, stage.poolings)
        self.check_image_size(self.image_size, self.image_size)

    def _pools(self, stage: StageConfig) -> bool:
        return self.merge != "none" and self.mask == "hourglass" and stage.modules > 0

    @property
    def smallest_image(self) -> int:
        """The smallest side in pixels of an image whose maps every pooling can halve."""
        side = 1
        for stage in reversed(self.stages):
            side = max(side, 2**stage.poolings if self._pools(stage) else 1)
            side = (side - 1) * stage.stride + 1
        return 4 * side - 1 if self.stem == "imagenet" else side

    def check_image_size(self, height: int, width: int) -> None:
        """Raises ValueError for an image that is too small for this network."""
        if height < self.smallest_image or width < self.smallest_image:
            raise ValueError(
                f"this network needs images of at least {self.smallest_image}x"
                f"{self.smallest_image}, got {height}x{width}; use larger images"
                + (", or fewer poolings" if self.has_masks else "")
            )

    @property
    def has_masks(self) -> bool:
        """True if any attention module has a mask."""
        return self.merge != "none" and any(stage.modules for stage in self.stages)

    def map_sides(self) -> Iterator[int]:
        """The side in positions of each stage's maps for an image of ``image_size``."""
        side = self.image_size
        if self.stem == "imagenet":
            side = -(-side // 2) // 2
        for stage in self.stages:
            side = -(-side // stage.stride)
            yield side

    @property
    def depth(self) -> int:
        """Weighted layers on the trunk's path: stem, three per unit, classifier.

        For m modules in each of three stages with two plain units it is ``9m(2p+t) + 20``.
        """
        units = sum(1 + s.modules * (2 * self.p + self.t) + s.plain for s in self.stages)
        return 1 + 3 * units + 1
