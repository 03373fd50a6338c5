"""How do SE, CBAM, BAM and the residual attention network compare, fairly?

Three comparisons with the masked network: the same trunk with each gate; with its units widened to
the masked network's parameters (within 2 %); and trained so much longer that all the training's
multiply-adds are equal (within 0.5 %), as equal time would be on a machine that wastes none. The
seconds that each took stand in the results. SE also with reductions 8, 16 and 32 beside 4.

There is no paper's verdict to support: it is a table of error, cost and attention score.
"""

from resattn.experiments.recipe import Recipe, Scale, Variant
from resattn.experiments.scales import FULL, SMALL
from resattn.presets import PRESETS

GATES = ("se", "cbam", "bam")
REDUCTIONS = (8, 16, 32)


def declare(scale: Scale) -> dict[str, Variant]:
    masked = scale.variant()
    bare = {"merge": "none"}
    variants = {
        "masked": masked,
        "none": scale.variant(options=bare),
        "none-wide": scale.variant(options=bare, size_of=masked),
        "none-long": scale.variant(options=bare, train={"steps": _steps(scale, "resnet")}),
    }
    for gate in GATES:
        variants[gate] = scale.variant(gate)
        variants[f"{gate}-wide"] = scale.variant(gate, size_of=masked)
        variants[f"{gate}-long"] = scale.variant(gate, train={"steps": _steps(scale, gate)})
    return variants | {
        f"se-reduction{r}": scale.variant("se", {"reduction": r}) for r in REDUCTIONS
    }


def _steps(scale: Scale, kind: str) -> int:
    """The steps that cost this network what the masked one's schedule costs."""
    masked, own = (
        PRESETS[f"small_{name}{scale.data.size}"].multiply_adds for name in ("attention", kind)
    )
    return round(scale.train.steps * masked / own)


RECIPE = Recipe(
    name="neighbours",
    question="How do SE, CBAM, BAM and residual attention compare at equal size and equal time?",
    declare=declare,
    scales=(SMALL, FULL),
    checkpoints=("se", "cbam", "bam"),
)
