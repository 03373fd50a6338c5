"""Do masks make training robust to wrong labels?

0, 10, 30, 50 and 70 % of the training labels are wrong (equation 7; the clean ratio is the rest),
for masks merged by either rule, no masks, and the trunk of equal parameters (within 2 %). Images
that are judged keep their right labels.

Support for the paper: from clean labels to half of them wrong, the test error rises less with
masks than without, and less than with equal parameters.
"""

from resattn.experiments.recipe import Recipe, Scale, Variant
from resattn.experiments.scales import FULL, SMALL

WRONG = (0, 10, 30, 50, 70)  # per cent


def declare(scale: Scale) -> dict[str, Variant]:
    masked = scale.variant()
    kinds = {
        "arl": ({}, None),
        "nal": ({"merge": "nal"}, None),
        "none": ({"merge": "none"}, None),
        "wide": ({"merge": "none"}, masked),
    }
    return {
        f"{name}-{wrong}": scale.variant(
            options=options, size_of=size_of, data={"clean_ratio": (100 - wrong) / 100}
        )
        for wrong in WRONG
        for name, (options, size_of) in kinds.items()
    }


RECIPE = Recipe(
    name="label_noise",
    question="Do masks make training robust to wrong labels?",
    declare=declare,
    scales=(SMALL, FULL),
)
