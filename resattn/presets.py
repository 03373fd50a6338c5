"""Networks by name: the released ones, the paper's CIFAR ones, the neighbours, and small ones.

`PRESETS` is the table: each entry states depth, parameters and multiply-adds, and the suite
recomputes every integer.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from resattn.checks import check_choice
from resattn.config import NetworkConfig, StageConfig


@dataclass(frozen=True)
class Preset:
    """A named configuration with the numbers that the suite recomputes.

    Attributes:
        config: the network.
        depth: weighted layers on the trunk's path.
        parameters: trainable numbers.
        multiply_adds: of convolutions and linear layers, for one image of ``config.image_size``.
        source: where the architecture comes from, and what is a guess.
    """

    config: NetworkConfig
    depth: int
    parameters: int
    multiply_adds: int
    source: str


def _imagenet(modules: tuple[int, int, int], width: int) -> NetworkConfig:
    """Table 2's layout: 56, 28, 14 with modules, then three plain units at 7."""
    stages = tuple(
        StageConfig(
            channels=256 * 2**i,
            width=width * 2**i,
            stride=1 if i == 0 else 2,
            modules=(*modules, 0)[i],
            poolings=(3, 2, 1, 1)[i],
            plain=2 if i == 3 else 0,
        )
        for i in range(4)
    )
    return NetworkConfig(stages=stages, stem="imagenet", stem_channels=64, image_size=224)


def _resnet50(gate: str) -> NetworkConfig:
    """ResNet-50: 3, 4, 6, 3 post-activation bottlenecks.

    The stem pools without padding, in ceil mode, as the first Caffe releases did. Ports to PyTorch
    pad by 1: the same counts, slightly other logits.
    """
    stages = tuple(
        StageConfig(
            channels=256 * 2**i, width=64 * 2**i, stride=1 if i == 0 else 2, plain=units - 1
        )
        for i, units in enumerate((3, 4, 6, 3))
    )
    return NetworkConfig(
        stages=stages, stem="imagenet", stem_channels=64, image_size=224, unit="post", gate=gate
    )


def _cifar(*, modules: int, plain: int = 1) -> NetworkConfig:
    """Three stages on 32, 16 and 8; ResNet-164's widths; 3, 2 and 1 poolings."""
    stages = tuple(
        StageConfig(
            channels=64 * 2**i,
            width=16 * 2**i,
            stride=1 if i == 0 else 2,
            modules=modules,
            poolings=3 - i,
            plain=plain,
        )
        for i in range(3)
    )
    return NetworkConfig(
        stages=stages,
        stem="small",
        stem_channels=16,
        image_size=32,
        num_classes=10,
    )


def _small(image_size: int, *, modules: int, plain: int, gate: str = "none") -> NetworkConfig:
    """Three thin stages for one-channel images; 32 pixels enter by stride 2 and cost like 16.

    Gates reduce by 4: by 16 they would keep 2 hidden units of 32 channels, and often start dead.
    """
    stages = tuple(
        StageConfig(
            channels=32 * 2**i,
            width=8 * 2**i,
            stride=1 if i == 0 and image_size < 32 else 2,
            modules=modules,
            poolings=2 if i == 0 else 1,
            plain=plain,
        )
        for i in range(3)
    )
    return NetworkConfig(
        stages=stages,
        stem="small",
        stem_channels=16,
        image_size=image_size,
        in_channels=1,
        num_classes=10,
        gate=gate,
        reduction=4,
    )


_RELEASED = "released network definition"
_CIFAR = "paper, table 6; widths and poolings are the best-supported guess"
_SMALL = "this course"


def _table() -> Iterator[tuple[str, Preset]]:
    """Name and preset of every network. The integers are what the suite recomputes."""
    one, two = (1, 1, 1), (1, 2, 3)
    preact, following = _imagenet(one, 64), _imagenet(two, 64)
    yield "attention56", Preset(preact, 56, 31_810_728, 6_270_836_736, _RELEASED)
    yield "attention92", Preset(following, 92, 52_466_344, 10_533_789_696, _RELEASED)
    next56 = replace(_imagenet(one, 128), unit="post", groups=32)
    next92 = replace(_imagenet(two, 128), unit="post", groups=32)
    yield "attentionnext56", Preset(next56, 56, 31_318_824, 6_419_106_816, _RELEASED)
    yield "attentionnext92", Preset(next92, 92, 52_102_952, 10_704_337_920, _RELEASED)
    inception = replace(_imagenet(one, 104), unit="inception")
    reading = "a reading: never released; width chosen to fit the paper's 31.9 M and 6.3 G"
    yield "attentioninception56", Preset(inception, 56, 32_049_024, 6_274_405_896, reading)
    for name, gate, parameters, multiply_adds, source in (
        ("se_resnet50", "se", 28_088_024, 4_091_699_200, "Hu et al., CVPR 2018"),
        ("cbam_resnet50", "cbam", 28_089_592, 4_095_573_110, "Woo et al., ECCV 2018"),
        ("bam_resnet50", "bam", 25_917_793, 4_171_331_328, "Park et al., BMVC 2018"),
    ):
        yield name, Preset(_resnet50(gate), 50, parameters, multiply_adds, source)
    deepest = replace(_cifar(modules=6), p=2, t=4, r=3)
    for depth, config, parameters, multiply_adds in (
        (56, _cifar(modules=1), 1_030_362, 122_825_216),
        (92, _cifar(modules=2), 1_841_242, 211_913_216),
        (128, _cifar(modules=3), 2_652_122, 301_001_216),
        (164, _cifar(modules=4), 3_463_002, 390_089_216),
        (236, _cifar(modules=6), 5_084_762, 568_265_216),
        (452, deepest, 10_181_210, 984_386_048),
    ):
        preset = Preset(config, depth, parameters, multiply_adds, _CIFAR)
        yield f"cifar_attention{depth}", preset
    resnet164 = _cifar(modules=0, plain=17)
    he = "He et al. 2016, arXiv 1603.05027"
    yield "cifar_resnet164", Preset(resnet164, 164, 1_703_258, 247_646_720, he)
    for kind, modules, plain, gate, parameters, at_each_size in (
        ("attention", 1, 1, "none", 245_146, (1_910_528, 7_638_272, 7_847_168)),
        ("resnet", 0, 5, "none", 150_650, (1_386_752, 5_543_168, 5_752_064)),
        ("se", 0, 5, "se", 216_842, (1_451_264, 5_607_680, 5_816_576)),
        ("cbam", 0, 5, "cbam", 218_606, (1_565_168, 5_869_760, 6_078_656)),
        ("bam", 0, 5, "bam", 160_664, (1_570_304, 6_269_696, 6_478_592)),
    ):
        for size, operations in zip((8, 16, 32), at_each_size, strict=True):
            config = _small(size, modules=modules, plain=plain, gate=gate)
            yield f"small_{kind}{size}", Preset(config, 56, parameters, operations, _SMALL)


PRESETS: dict[str, Preset] = dict(_table())


def list_models() -> list[str]:
    """The names that `create_model` knows."""
    return list(PRESETS)


def get_config(name: str) -> NetworkConfig:
    """The configuration of a preset. Raises ValueError for an unknown name."""
    check_choice("model", name, PRESETS)
    return PRESETS[name].config
