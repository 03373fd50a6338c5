"""Networks built by name, with options over the preset's."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from inspect import Parameter, Signature, signature
from typing import Any, TypeVar

from resattn.checks import check_choice
from resattn.config import NetworkConfig, StageConfig, check_stages
from resattn.network import ResidualAttentionNetwork
from resattn.presets import get_config

STAGE_OPTIONS = ("modules", "poolings")
"""Options that go to the stages: one number for all of them, or one per stage with modules."""

OPTIONS: dict[str, Any] = {
    **{field.name: field.type for field in fields(NetworkConfig)},
    **dict.fromkeys(STAGE_OPTIONS, int | tuple[int, ...]),
}
"""The options of `create_model`, each with its type."""

Builder = TypeVar("Builder", bound=Callable[..., ResidualAttentionNetwork])


def _showing_options(builder: Builder) -> Builder:
    """Give a builder a signature that names its options, for ``help`` and editors."""
    shown = signature(builder)
    own = [p for p in shown.parameters.values() if p.kind is not Parameter.VAR_KEYWORD]
    options = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=kind | None)
        for name, kind in OPTIONS.items()
        if name not in shown.parameters
    ]
    vars(builder)["__signature__"] = Signature(
        [*own, *options], return_annotation=shown.return_annotation
    )
    return builder


@_showing_options
def create_model(
    name: str, num_classes: int | None = None, **options: Any
) -> ResidualAttentionNetwork:
    """Build a preset, with some of its options replaced; None keeps the preset's value.

    The options are the attributes of `resattn.config.NetworkConfig`, and ``modules`` and
    ``poolings`` of `resattn.config.StageConfig`: one number for every stage that has modules in the
    preset, or one per such stage. The network's ``config`` holds what was built.

    Raises:
        ValueError: for an unknown name or option, or an impossible value, naming the nearest valid
            choice.
    """
    given = {"num_classes": num_classes, **options}
    return ResidualAttentionNetwork(
        configured(name, {option: value for option, value in given.items() if value is not None})
    )


def configured(name: str, options: Mapping[str, Any]) -> NetworkConfig:
    """Return the configuration of the network that `create_model` builds of a name and options.

    Raises:
        ValueError: as `create_model`.
    """
    config, changes = get_config(name), dict(options)
    for option in changes:
        check_choice("option", option, OPTIONS)
    per_stage = {key: changes.pop(key) for key in STAGE_OPTIONS if key in changes}
    if per_stage:
        stages = changes.get("stages", config.stages)
        check_stages(stages)
        changes["stages"] = _with_stage_options(name, stages, per_stage)
    return replace(config, **changes)


def _with_stage_options(
    name: str, stages: tuple[StageConfig, ...], options: Mapping[str, Any]
) -> tuple[StageConfig, ...]:
    """Return the stages with these options in those that have attention modules."""
    attentive = [i for i, stage in enumerate(stages) if stage.modules]
    changes: list[dict[str, Any]] = [{} for _ in stages]
    for key, value in options.items():
        if not attentive:
            raise ValueError(
                f"{key}={value} has no place in {name}, which has no attention modules; "
                "start from a preset with 'attention' in its name"
            )
        values = value if isinstance(value, tuple | list) else (value,) * len(attentive)
        if len(values) != len(attentive):
            raise ValueError(
                f"{key} needs one number, or {len(attentive)} for the stages of {name} that have "
                f"attention modules, got {len(values)}: {value}"
            )
        for i, one in zip(attentive, values, strict=True):
            changes[i][key] = one
    return tuple(replace(stage, **change) for stage, change in zip(stages, changes, strict=True))


@_showing_options
def attention56(num_classes: int | None = None, **options: Any) -> ResidualAttentionNetwork:
    """Build Attention-56 of table 2, for images of 224 pixels; options as in `create_model`."""
    return create_model("attention56", num_classes, **options)


@_showing_options
def attention92(num_classes: int | None = None, **options: Any) -> ResidualAttentionNetwork:
    """Build Attention-92 of table 2, for images of 224 pixels; options as in `create_model`."""
    return create_model("attention92", num_classes, **options)


@_showing_options
def cifar_attention92(num_classes: int | None = None, **options: Any) -> ResidualAttentionNetwork:
    """Build Attention-92 of table 6, for CIFAR's 32 pixels; options as in `create_model`."""
    return create_model("cifar_attention92", num_classes, **options)


@_showing_options
def small_attention8(num_classes: int | None = None, **options: Any) -> ResidualAttentionNetwork:
    """Build the course's network for grey images of 8 pixels; options as in `create_model`."""
    return create_model("small_attention8", num_classes, **options)


@_showing_options
def small_attention32(num_classes: int | None = None, **options: Any) -> ResidualAttentionNetwork:
    """Build the course's network for grey images of 32 pixels; options as in `create_model`."""
    return create_model("small_attention32", num_classes, **options)
