"""Do masks serve any residual unit: bottleneck, ResNeXt, Inception?

Each unit with and without masks, one module a stage. ResNeXt units are post-activation with 4
groups, so post-activation bottlenecks stand between them and the paper's. Sizes differ between
units: compare within a unit.

The paper's claim is that attention works with each (section 4.3, AttentionNeXt and
AttentionInception); it is not among the fourteen on trial.
"""

from typing import Any

from resattn.experiments.recipe import Recipe, Scale, Variant
from resattn.experiments.scales import FULL, SMALL

UNITS: dict[str, dict[str, Any]] = {
    "preact": {},
    "post": {"unit": "post"},
    "resnext": {"unit": "post", "groups": 4},
    "inception": {"unit": "inception"},
}


def declare(scale: Scale) -> dict[str, Variant]:
    return {
        f"{name}-{rule}": scale.variant(options={**options, "merge": rule})
        for name, options in UNITS.items()
        for rule in ("arl", "none")
    }


RECIPE = Recipe(
    name="units",
    question="Do masks serve any residual unit: bottleneck, ResNeXt, Inception?",
    declare=declare,
    scales=(SMALL, FULL),
)
