"""Residual attention networks: the reference package of the course.

Names are fetched on first use, so that ``import resattn`` loads neither torch nor anything else
that is not used.
"""

import ast
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the list of what the package offers: `_homes` and the course engine read it too
    from resattn import data, drawings, plots, probes, training
    from resattn.config import NetworkConfig, StageConfig
    from resattn.cost import config_cost, count_multiply_adds, count_parameters
    from resattn.create import (
        attention56,
        attention92,
        cifar_attention92,
        create_model,
        small_attention8,
        small_attention32,
    )
    from resattn.network import ResidualAttentionNetwork
    from resattn.presets import PRESETS, Preset, get_config, list_models
    from resattn.widen import widened_trunk

__version__ = "0.2.0"


def _homes() -> dict[str, str]:
    """Return the module of each offered name, read from the imports for type checkers above."""
    tree = ast.parse(Path(__file__).read_text(encoding="utf-8"))
    return {
        alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(__name__)
        for alias in node.names
    }


_HOMES = _homes()
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOMES[name]
    if home == __name__:
        return import_module(f"{home}.{name}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
