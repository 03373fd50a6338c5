"""What is the hourglass for?

Against masks of local convolutions: one unit, which has the hourglass's multiply-adds within 5 %,
and the paper's three (26 % more); against fewer and more poolings, no skips, and the three
upsamplers. Local and hourglass also under strong noise: if pooling helps because it blurs noise
away, the hourglass's lead must grow there.

Support for the paper: a lower test error than the local mask at equal multiply-adds (table 4).
"""

from typing import Any

from resattn.experiments.recipe import Recipe, Scale, Variant
from resattn.experiments.scales import FULL, SMALL

OPTIONS: dict[str, dict[str, Any]] = {
    "hourglass": {},
    "local-1": {"mask": "local", "local_units": 1},
    "local-3": {"mask": "local", "local_units": 3},
    "poolings-1-1-1": {"poolings": (1, 1, 1)},
    "poolings-3-2-1": {"poolings": (3, 2, 1)},
    "no-skips": {"skips": False},
    "nearest": {"upsampling": "nearest"},
    "transposed": {"upsampling": "transposed"},
}
STRONG_NOISE = 0.25


def declare(scale: Scale) -> dict[str, Variant]:
    calm = {name: scale.variant(options=options) for name, options in OPTIONS.items()}
    return calm | {
        f"{name}-noisy": scale.variant(options=OPTIONS[name], data={"noise": STRONG_NOISE})
        for name in ("hourglass", "local-1")
    }


RECIPE = Recipe(
    name="mask_shape",
    question="What is the hourglass for: against local masks, poolings, skips, upsamplers?",
    declare=declare,
    scales=(SMALL, FULL),
    checkpoints=("local-1",),
)
