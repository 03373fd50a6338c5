"""Does naive attention fail when modules are stacked, and what repairs it?

Merge rule (naive M * T, residual (1 + M) * T, the same trunk without masks) by modules a stage
m = 1, 2, 4 (and 6 at full scale), at the paper's learning rate 0.1; and at 0.01, to see whether the
failure is one of the step's size (small scale: m = 4 alone).

Support for the paper: at m = 4 naive attention has the higher error, and its responses fade. The
responses of every stage are recorded in absolute size and relative to stage 1, split into object,
distractor and background, and the gradient's norm at the stem and each stage through training.
"""

from resattn.experiments.recipe import Recipe, Scale, Variant
from resattn.experiments.scales import FULL, SMALL

RULES = ("none", "nal", "arl")


def declare(scale: Scale) -> dict[str, Variant]:
    depths, slow = ((1, 2, 4, 6), (1, 2, 4, 6)) if scale.name == "full" else ((1, 2, 4), (4,))
    variants = {
        f"{rule}-m{m}": scale.variant(options={"merge": rule, "modules": m})
        for m in depths
        for rule in RULES
    }
    return variants | {
        f"{rule}-m{m}-slow": scale.variant(
            options={"merge": rule, "modules": m}, train={"learning_rate": 0.01}
        )
        for m in slow
        for rule in RULES
    }


RECIPE = Recipe(
    name="stacking",
    question="Does naive attention fail when modules are stacked, and what repairs it?",
    declare=declare,
    scales=(SMALL, FULL),
    checkpoints=("none-m1", "nal-m1", "arl-m1", "arl-m2"),
)
