"""How much do p, t, r and the number of modules matter?

One changed at a time from p = 1, t = 2, r = 1, m = 1: p = 2; t = 1, 4; r = 2; m = 2, 4. Costs
differ and stand beside the errors. The paper fixes these numbers and does not say what others give.
"""

from resattn.experiments.recipe import Recipe, Scale, Variant
from resattn.experiments.scales import FULL, SMALL

OPTIONS = {
    "base": {},
    "p2": {"p": 2},
    "t1": {"t": 1},
    "t4": {"t": 4},
    "r2": {"r": 2},
    "m2": {"modules": 2},
    "m4": {"modules": 4},
}


def declare(scale: Scale) -> dict[str, Variant]:
    return {name: scale.variant(options=options) for name, options in OPTIONS.items()}


RECIPE = Recipe(
    name="depth",
    question="How much do p, t, r and the number of modules matter?",
    declare=declare,
    scales=(SMALL, FULL),
)
