"""Which mask activation is best: mixed (f1), channel (f2) or spatial (f3)?

One module a stage, merged by (1 + M) * T; equations 4 to 6 of the paper, table 1.

Support for the paper: f1 has the lower test error, against f2 and against f3.
"""

from resattn.experiments.recipe import Recipe, Scale, Variant
from resattn.experiments.scales import FULL, SMALL


def declare(scale: Scale) -> dict[str, Variant]:
    return {
        name: scale.variant(options={"activation": name})
        for name in ("mixed", "channel", "spatial")
    }


RECIPE = Recipe(
    name="activation",
    question="Which mask activation is best: mixed (f1), channel (f2) or spatial (f3)?",
    declare=declare,
    scales=(SMALL, FULL),
    checkpoints=("mixed", "channel", "spatial"),
)
