"""The Residual Attention Network: stem, stages of units and attention modules, head."""

from functools import partial

from torch import Tensor, nn

from resattn.attention import AttentionModule
from resattn.config import NetworkConfig, StageConfig
from resattn.gates import BAM, CBAM, SqueezeExcitation
from resattn.masks import HourglassMask, LocalConvolutionMask, MaskHead
from resattn.resampling import Pool, Upsample, is_traced
from resattn.units import (
    GateBuilder,
    InceptionUnit,
    PostActBottleneck,
    PreActBottleneck,
    conv3x3,
    norm_relu,
)

_UNITS = {"preact": PreActBottleneck, "post": PostActBottleneck, "inception": InceptionUnit}
_UNIT_GATES = {"se": SqueezeExcitation, "cbam": CBAM}


class ResidualAttentionNetwork(nn.Module):
    """Images ``(B, in_channels, H, W)`` to logits ``(B, num_classes)``.

    Attributes:
        config: what it was built from.
        stem: image to the first map.
        stages: one `torch.nn.Sequential` per stage: entry unit, attention modules, plain units.
        head: last map to logits: (BN, ReLU,) mean over positions, linear layer.

    Any image size works whose maps every mask can pool (`NetworkConfig.smallest_image`); a smaller
    one, or one with other channels, raises ValueError.

    `torch.jit.trace`, torch.fx, `torch.export` and both ONNX exporters can read it, with batch,
    height and width left free. Give `torch.export` sizes at which every map, the masks' smallest
    included, has two or more positions per side: PyTorch treats a side of one as a special case.

    Weights start as in He et al. 2015 (normal, fan-out), the linear layer as PyTorch's.

    Source: Wang et al. 2017, figure 2 and table 2; details from the released networks.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.stem = _stem(config)
        sources = [config.stem_channels, *(stage.channels for stage in config.stages[:-1])]
        self.stages = nn.ModuleList(
            _stage(config, stage, in_channels, last=i == len(config.stages))
            for i, (stage, in_channels) in enumerate(zip(config.stages, sources, strict=True), 1)
        )
        self.head = _head(config)
        self._reset_parameters()

    def forward(self, x: Tensor) -> Tensor:  # (B, in_channels, H, W) -> (B, num_classes)
        if not is_traced(x):
            self._check_images(x)
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
        return self.head(x)

    def attention_modules(self) -> list[tuple[str, AttentionModule]]:
        """The attention modules with their dotted names, from image to logits."""
        return [(n, m) for n, m in self.named_modules() if isinstance(m, AttentionModule)]

    def _check_images(self, x: Tensor) -> None:
        channels = self.config.in_channels
        if x.ndim != 4 or x.shape[1] != channels:
            raise ValueError(
                f"this network reads images of shape (B, {channels}, H, W), "
                f"got {tuple(x.shape)}; set in_channels to change the {channels}"
            )
        self.config.check_image_size(x.shape[2], x.shape[3])

    def _reset_parameters(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, Upsample):
                module.reset_parameters()


def _stem(config: NetworkConfig) -> nn.Sequential:
    """ImageNet: conv-BN-ReLU-pool. Small: a 3x3 conv, whose BN-ReLU a pre-activation unit has."""
    channels = config.stem_channels
    if config.stem == "imagenet":
        return nn.Sequential(
            nn.Conv2d(config.in_channels, channels, 7, stride=2, padding=3, bias=False),
            norm_relu(channels),
            Pool(),
        )
    conv = conv3x3(config.in_channels, channels)
    norm = [norm_relu(channels)] if config.unit == "post" else []
    return nn.Sequential(conv, *norm)


def _stage(
    config: NetworkConfig, stage: StageConfig, in_channels: int, *, last: bool
) -> nn.Sequential:
    unit = partial(_unit, config, stage)
    blocks: list[nn.Module] = [unit(in_channels=in_channels, stride=stage.stride)]
    blocks += [_module(config, stage) for _ in range(stage.modules)]
    blocks += [unit() for _ in range(stage.plain)]
    if config.gate == "bam" and not last:
        blocks.append(BAM(stage.channels, config.reduction))
    return nn.Sequential(*blocks)


def _module(config: NetworkConfig, stage: StageConfig) -> AttentionModule:
    def units(count: int) -> nn.Sequential:
        return nn.Sequential(*(_unit(config, stage) for _ in range(count)))

    return AttentionModule(
        before=units(config.p),
        trunk=units(config.t),
        mask=None if config.merge == "none" else _mask(config, stage),
        after=units(config.p),
        rule=config.merge,
    )


def _mask(config: NetworkConfig, stage: StageConfig) -> nn.Module:
    unit = partial(_unit, config, stage, gated=False)
    head = MaskHead(
        stage.channels,
        preact=config.unit != "post",
        activation=config.activation,
        final_norm=config.final_norm,
    )
    if config.mask == "local":
        return LocalConvolutionMask(unit, units=config.local_units, head=head)
    return HourglassMask(
        stage.channels,
        unit,
        poolings=stage.poolings,
        r=config.r,
        head=head,
        upsampling=config.upsampling,
        skips=config.skips,
    )


def _unit(
    config: NetworkConfig,
    stage: StageConfig,
    *,
    in_channels: int | None = None,
    stride: int = 1,
    gated: bool = True,
) -> nn.Module:
    gate: GateBuilder | None = None
    if gated and config.gate in _UNIT_GATES:
        gate = partial(_UNIT_GATES[config.gate], reduction=config.reduction)
    return _UNITS[config.unit](
        stage.channels if in_channels is None else in_channels,
        stage.channels,
        width=stage.width,
        stride=stride,
        groups=config.groups,
        gate=gate,
    )


def _head(config: NetworkConfig) -> nn.Sequential:
    channels = config.stages[-1].channels
    norm = [] if config.unit == "post" else [norm_relu(channels)]
    return nn.Sequential(
        *norm, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, config.num_classes)
    )
