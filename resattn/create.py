"""Networks built by name, with typed options over the preset's."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from resattn.config import NetworkConfig, StageConfig
from resattn.network import ResidualAttentionNetwork
from resattn.presets import get_config


def create_model(
    name: str,
    num_classes: int | None = None,
    *,
    in_channels: int | None = None,
    image_size: int | None = None,
    modules: int | tuple[int, ...] | None = None,
    poolings: int | tuple[int, ...] | None = None,
    unit: str | None = None,
    groups: int | None = None,
    p: int | None = None,
    t: int | None = None,
    r: int | None = None,
    merge: str | None = None,
    mask: str | None = None,
    local_units: int | None = None,
    activation: str | None = None,
    upsampling: str | None = None,
    skips: bool | None = None,
    final_norm: bool | None = None,
    gate: str | None = None,
    reduction: int | None = None,
) -> ResidualAttentionNetwork:
    """Builds a preset, with some of its options replaced; None keeps the preset's value.

    The options are the attributes of `resattn.config.NetworkConfig`. ``modules`` and ``poolings``
    are one number for every stage that has modules in the preset, or one a stage. What was built
    is found again in the network's ``config``.

    Raises:
        ValueError: for an unknown name or an impossible value, naming the nearest valid choice.
    """
    options = {key: value for key, value in locals().items() if value is not None}
    options.pop("name", None)  # None is a wrong name too: `configured` says so
    return ResidualAttentionNetwork(configured(name, options))


def configured(name: str, options: Mapping[str, object]) -> NetworkConfig:
    """The configuration of the network that `create_model` builds from a name and options.

    Raises:
        ValueError: as `create_model`.
    """
    config, fields = get_config(name), dict(options)
    for key in ("modules", "poolings"):
        if key in fields:
            stages = fields.get("stages", config.stages)
            fields["stages"] = _with_stage_field(name, stages, key, fields.pop(key))
    return replace(config, **fields)


def _with_stage_field(
    name: str, stages: tuple[StageConfig, ...], key: str, value: int | tuple[int, ...]
) -> tuple[StageConfig, ...]:
    attentive = [i for i, stage in enumerate(get_config(name).stages) if stage.modules]
    if not attentive:
        raise ValueError(
            f"{key}={value} has no place in {name}, which has no attention modules; "
            "start from a preset with 'attention' in its name"
        )
    values = value if isinstance(value, (tuple, list)) else (value,) * len(attentive)
    if len(values) != len(attentive):
        raise ValueError(
            f"{key} needs one number, or {len(attentive)} for the stages of {name} that have "
            f"attention modules, got {len(values)}: {value}"
        )
    changed = dict(zip(attentive, values, strict=True))
    return tuple(
        replace(stage, **{key: changed[i]}) if i in changed else stage
        for i, stage in enumerate(stages)
    )


attention56 = partial(create_model, "attention56")
attention92 = partial(create_model, "attention92")
attentionnext56 = partial(create_model, "attentionnext56")
attentionnext92 = partial(create_model, "attentionnext92")
attentioninception56 = partial(create_model, "attentioninception56")
se_resnet50 = partial(create_model, "se_resnet50")
cbam_resnet50 = partial(create_model, "cbam_resnet50")
bam_resnet50 = partial(create_model, "bam_resnet50")
cifar_attention56 = partial(create_model, "cifar_attention56")
cifar_attention92 = partial(create_model, "cifar_attention92")
cifar_attention128 = partial(create_model, "cifar_attention128")
cifar_attention164 = partial(create_model, "cifar_attention164")
cifar_attention236 = partial(create_model, "cifar_attention236")
cifar_attention452 = partial(create_model, "cifar_attention452")
cifar_resnet164 = partial(create_model, "cifar_resnet164")
small_attention8 = partial(create_model, "small_attention8")
small_attention16 = partial(create_model, "small_attention16")
small_attention32 = partial(create_model, "small_attention32")
small_resnet8 = partial(create_model, "small_resnet8")
small_resnet16 = partial(create_model, "small_resnet16")
small_resnet32 = partial(create_model, "small_resnet32")
small_se8 = partial(create_model, "small_se8")
small_se16 = partial(create_model, "small_se16")
small_se32 = partial(create_model, "small_se32")
small_cbam8 = partial(create_model, "small_cbam8")
small_cbam16 = partial(create_model, "small_cbam16")
small_cbam32 = partial(create_model, "small_cbam32")
small_bam8 = partial(create_model, "small_bam8")
small_bam16 = partial(create_model, "small_bam16")
small_bam32 = partial(create_model, "small_bam32")
