"""Is attention width in disguise?

Masks add parameters. The same trunk without masks, its units widened to the same number (within
2 %), and the plain trunk: m = 1 and 2 modules a stage (4 too at full scale).

Support for "in disguise": the widened trunk's test error is no higher than the masked network's.
"""

from resattn.experiments.recipe import Recipe, Scale, Variant
from resattn.experiments.scales import FULL, SMALL


def declare(scale: Scale) -> dict[str, Variant]:
    variants = {}
    for m in (1, 2, 4) if scale.name == "full" else (1, 2):
        masked = scale.variant(options={"modules": m})
        bare = {"modules": m, "merge": "none"}
        variants[f"masked-m{m}"] = masked
        variants[f"wide-m{m}"] = scale.variant(options=bare, size_of=masked)
        variants[f"trunk-m{m}"] = scale.variant(options=bare)
    return variants


RECIPE = Recipe(
    name="width",
    question="Is attention width in disguise: does a trunk of equal parameters do as well?",
    declare=declare,
    scales=(SMALL, FULL),
)
