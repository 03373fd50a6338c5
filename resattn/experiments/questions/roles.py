"""Do different modules attend to different things?

Networks with 1, 2 and 4 modules a stage, each module's mask scored on the object, the distractors
and the background: the mass there, as a multiple of what a uniform mask has ("lift"). The number is
the standard deviation over modules of the lift on the object, against the same network before its
first step: what random masks differ by is no division of labour.

Support for the paper: it grows through training by 0.05 or more. All runs are those of `stacking`.
"""

from resattn.experiments.recipe import Recipe, Scale, Variant
from resattn.experiments.scales import FULL, SMALL


def declare(scale: Scale) -> dict[str, Variant]:
    return {f"arl-m{m}": scale.variant(options={"modules": m}) for m in (1, 2, 4)}


RECIPE = Recipe(
    name="roles",
    question="Do different modules attend to different things?",
    declare=declare,
    scales=(SMALL, FULL),
    checkpoints=("arl-m2",),
)
