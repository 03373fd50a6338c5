"""The experiments of the course, declared; what they gave lies in ``results``.

`python -m resattn train RECIPE` runs one, `python -m resattn results` prints what is recorded. A
run that several recipes share belongs to the first of them and is trained once: see `runs_of`.

These names are fetched from `resattn.experiments.registry` on first use, because they need torch
and `resattn.experiments.names`, with which a command line is checked, does not.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from resattn.experiments.registry import (
        EVERY_RECIPE,
        RECIPES,
        get_recipe,
        keeps_checkpoint,
        runs_of,
    )

__all__ = ["EVERY_RECIPE", "RECIPES", "get_recipe", "keeps_checkpoint", "runs_of"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'resattn.experiments' has no attribute {name!r}")
    return getattr(import_module("resattn.experiments.registry"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
