"""Would it help to show the masks where the object is?

The data know the object's true place, so the masks can be taught it: a loss (see
`resattn.experiments.mask_loss`) with weights 0.1, 0.3, 1 and 3 beside the labels' cross entropy.

Support for the proposal: a lower test error with the weight 0.3, chosen before anything was run;
the other weights show how much that choice decides.
"""

from resattn.experiments.recipe import Recipe, Scale, Variant
from resattn.experiments.scales import FULL, SMALL

WEIGHTS = (0.0, 0.1, 0.3, 1.0, 3.0)


def declare(scale: Scale) -> dict[str, Variant]:
    return {f"weight-{weight:g}": scale.variant(mask_weight=weight) for weight in WEIGHTS}


RECIPE = Recipe(
    name="supervision",
    question="Would it help to show the masks where the object is?",
    declare=declare,
    scales=(SMALL, FULL),
    checkpoints=("weight-0.3",),
)
