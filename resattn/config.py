"""What a network is made of, as frozen dataclasses that refuse impossible values."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from resattn.attention import MERGE_RULES
from resattn.gates import GATE_KINDS
from resattn.masks import MASK_ACTIVATIONS, MASK_KINDS, UPSAMPLINGS, check_map_size
from resattn.units import UNIT_KINDS

STEM_KINDS = ("imagenet", "small")


def check_choice(what: str, value: str, choices: tuple[str, ...]) -> None:
    """Raises ValueError unless ``value`` is one of ``choices``, naming the nearest."""
    if value not in choices:
        near = get_close_matches(str(value), choices, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"unknown {what} {value!r}; {hint}choose one of {', '.join(choices)}")


def check_at_least(what: str, value: int, least: int) -> None:
    """Raises ValueError unless ``value`` is an integer >= ``least``."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"{what} must be an integer of at least {least}, got {value!r}")


@dataclass(frozen=True, kw_only=True)
class StageConfig:
    """One stage: an entry unit, attention modules, plain units.

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
        for name in ("channels", "width", "stride", "poolings"):
            check_at_least(f"a stage's {name}", getattr(self, name), 1)
        for name in ("modules", "plain"):
            check_at_least(f"a stage's {name}", getattr(self, name), 0)


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """A whole network.

    Attributes:
        stages: from the largest map to the smallest.
        stem: ``"imagenet"`` (7x7 stride 2, 3x3 max-pool stride 2) or ``"small"`` (3x3 stride 1).
        stem_channels: channels after the stem.
        image_size: nominal side in pixels; sizes the table of multiply-adds, limits nothing but
            the poolings' minimum. Other sizes, square or not, may be fed.
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
        check_choice("mask activation", self.activation, tuple(MASK_ACTIVATIONS))
        check_choice("upsampling", self.upsampling, UPSAMPLINGS)
        for name in ("stem_channels", "image_size", "in_channels", "num_classes", "groups"):
            check_at_least(name, getattr(self, name), 1)
        for name in ("reduction", "p", "t", "r", "local_units"):
            check_at_least(name, getattr(self, name), 1)
        if not self.stages:
            raise ValueError("a network needs at least 1 stage, got none")
        for stage in self.stages:
            if stage.width % self.groups:
                nearest = max(1, round(stage.width / self.groups)) * self.groups
                raise ValueError(
                    f"a unit's width must be divisible by its groups, got width {stage.width} "
                    f"and {self.groups} groups; the nearest width is {nearest}"
                )
        if self.has_masks and self.mask == "hourglass":
            for stage, side in zip(self.stages, self.map_sides()):
                if stage.modules:
                    check_map_size(side, side, stage.poolings)

    @property
    def has_masks(self) -> bool:
        """Whether any attention module has a mask."""
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
        """Weighted layers on the trunk's path: stem, three a unit, classifier.

        For m modules in each of three stages with two plain units it is ``9m(2p+t) + 20``.
        """
        units = sum(1 + s.modules * (2 * self.p + self.t) + s.plain for s in self.stages)
        return 1 + 3 * units + 1
