"""Would a BN just before the sigmoid help?

It keeps masks away from saturation. Tried with both merge rules, one module a stage.

Support for the proposal: a lower test error than without it, under (1 + M) * T.
"""

from resattn.experiments.recipe import Recipe, Scale, Variant
from resattn.experiments.scales import FULL, SMALL


def declare(scale: Scale) -> dict[str, Variant]:
    return {
        f"{rule}-{name}": scale.variant(options={"merge": rule, "final_norm": norm})
        for rule in ("arl", "nal")
        for name, norm in (("plain", False), ("norm", True))
    }


RECIPE = Recipe(
    name="final_norm",
    question="Would a BN just before the mask's sigmoid help?",
    declare=declare,
    scales=(SMALL, FULL),
)
