"""Residual attention networks: the reference package of the course.

Names are fetched on first use, so that ``python -m coursekit doctor`` starts even where torch is
missing, and ``import resattn`` costs no more than what is used of it.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # what type checkers and editors see of the names below
    from resattn import data, drawings, plots, probes, training
    from resattn.config import NetworkConfig, StageConfig
    from resattn.cost import config_cost, count_multiply_adds, count_parameters
    from resattn.create import (
        attention56,
        attention92,
        attentioninception56,
        attentionnext56,
        attentionnext92,
        bam_resnet50,
        cbam_resnet50,
        cifar_attention56,
        cifar_attention92,
        cifar_attention128,
        cifar_attention164,
        cifar_attention236,
        cifar_attention452,
        cifar_resnet164,
        create_model,
        se_resnet50,
        small_attention8,
        small_attention16,
        small_attention32,
        small_bam8,
        small_bam16,
        small_bam32,
        small_cbam8,
        small_cbam16,
        small_cbam32,
        small_resnet8,
        small_resnet16,
        small_resnet32,
        small_se8,
        small_se16,
        small_se32,
    )
    from resattn.network import ResidualAttentionNetwork
    from resattn.presets import PRESETS, Preset, get_config, list_models
    from resattn.widen import widened_trunk

__version__ = "0.2.0"

_BUILDERS = (
    *("attention56", "attention92", "attentionnext56", "attentionnext92", "attentioninception56"),
    *("se_resnet50", "cbam_resnet50", "bam_resnet50"),
    *(f"cifar_attention{depth}" for depth in (56, 92, 128, 164, 236, 452)),
    "cifar_resnet164",
    *(
        f"small_{kind}{size}"
        for kind in ("attention", "resnet", "se", "cbam", "bam")
        for size in (8, 16, 32)
    ),
)
_HOMES = {
    "NetworkConfig": "config",
    "StageConfig": "config",
    "config_cost": "cost",
    "count_multiply_adds": "cost",
    "count_parameters": "cost",
    "ResidualAttentionNetwork": "network",
    "PRESETS": "presets",
    "Preset": "presets",
    "create_model": "create",
    "get_config": "presets",
    "list_models": "presets",
    "widened_trunk": "widen",
    **dict.fromkeys(_BUILDERS, "create"),
}
_MODULES = ("data", "drawings", "plots", "probes", "training")
__all__ = sorted([*_HOMES, *_MODULES])


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return import_module(f"resattn.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'resattn' has no attribute {name!r}")
    return getattr(import_module(f"resattn.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
