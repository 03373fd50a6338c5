"""The fourteen claims on trial: who says so, which runs decide, and by how much.

All margins were set before anything was recorded. An error matters from one point (0.01) on.
"""

from dataclasses import dataclass
from typing import Literal

POINT = 0.01

Direction = Literal["below", "above", "at most", "same"]


@dataclass(frozen=True)
class Contrast:
    """A difference between variants of one recipe, and what the claim says of it.

    Attributes:
        recipe: whose variants they are.
        metric: of `resattn.experiments.metrics.METRICS`.
        plus, minus: variants; the difference is the sum over ``plus`` less that over ``minus``.
        claimed: "below" or "above" zero, by ``effect`` or more; "at most" ``effect``; the "same"
            within ``effect`` either way.
        effect: the smallest that matters, in the metric's unit.
    """

    recipe: str
    metric: str
    plus: tuple[str, ...]
    minus: tuple[str, ...]
    claimed: Direction
    effect: float


@dataclass(frozen=True)
class Claim:
    """A sentence somebody wrote; it stands if all its contrasts do."""

    number: int
    text: str
    source: str
    contrasts: tuple[Contrast, ...]


def _error(
    recipe: str, plus: str, minus: str, claimed: Direction, effect: float = POINT
) -> Contrast:
    """A contrast of test errors; several variants are separated by spaces."""
    return Contrast(
        recipe, "test error", tuple(plus.split()), tuple(minus.split()), claimed, effect
    )


def _stacked(metric: str, claimed: Direction, effect: float) -> Contrast:
    """Naive attention against no masks, four modules a stage."""
    return Contrast("stacking", metric, ("nal-m4",), ("none-m4",), claimed, effect)


CLAIMS: tuple[Claim, ...] = (
    Claim(
        1,
        "Stacked naive attention fades the responses to zero: ten times smaller or less.",
        "paper; blog posts",
        (_stacked("log10 response of the last stage", "below", 1.0),),
    ),
    Claim(
        2,
        "The mean response is the wrong measure: masks raise the object's over the background's.",
        "a blog post",
        (
            Contrast(
                "stacking",
                "object / background response, last stage",
                ("arl-m1",),
                ("none-m1",),
                "above",
                0.1,
            ),
        ),
    ),
    Claim(
        3,
        "Multiplied masks break the identity path: the gradient at the stem is three times another "
        "size, and the error higher.",
        "paper; a blog post doubts it",
        (
            _stacked("log10 gradient at the stem before step 1", "above", 0.5),
            _stacked("test error", "above", POINT),
        ),
    ),
    Claim(
        4,
        "Residual attention does no worse than its trunk.",
        "blog posts",
        tuple(_error("stacking", f"arl-m{m}", f"none-m{m}", "at most") for m in (1, 2, 4)),
    ),
    Claim(
        5,
        "Mixed attention beats channel and spatial attention.",
        "paper",
        (
            _error("activation", "mixed", "channel", "below"),
            _error("activation", "mixed", "spatial", "below"),
        ),
    ),
    Claim(
        6,
        "A BN before the sigmoid would help.",
        "a blog post",
        (_error("final_norm", "arl-norm", "arl-plain", "below"),),
    ),
    Claim(
        7,
        "Down-up sampling beats local convolutions of equal cost, and more so under noise.",
        "paper; a blog post gives noise as the reason",
        (
            _error("mask_shape", "hourglass", "local-1", "below"),
            _error("mask_shape", "hourglass-noisy local-1", "local-1-noisy hourglass", "below"),
        ),
    ),
    Claim(
        8,
        "Masks make training robust: half the labels wrong, the error rises less than without "
        "masks, at equal trunk and at equal parameters.",
        "paper",
        tuple(
            _error("label_noise", f"arl-50 {other}-0", f"arl-0 {other}-50", "below")
            for other in ("none", "wide")
        ),
    ),
    Claim(
        9,
        "Different modules attend to different things: their lifts on the object draw apart.",
        "paper",
        (
            Contrast(
                "roles", "spread of object lift, growth in training", ("arl-m4",), (), "above", 0.05
            ),
        ),
    ),
    Claim(
        10,
        "Supervising the mask would help more.",
        "a blog post",
        (_error("supervision", "weight-0.3", "weight-0", "below"),),
    ),
    Claim(
        11,
        "Learned upsampling is better than bilinear.",
        "a blog post",
        (_error("mask_shape", "transposed", "hourglass", "below"),),
    ),
    Claim(
        12,
        "Channel gates ignore place (so they are made); mixed masks vary over place and channels.",
        "a blog post",
        (
            Contrast("neighbours", "mask's spread over positions", ("se",), (), "same", 1e-3),
            Contrast("neighbours", "mask's spread over positions", ("masked",), (), "above", 0.05),
            Contrast("neighbours", "mask's spread over channels", ("masked",), (), "above", 0.05),
        ),
    ),
    Claim(
        13,
        "It is width in disguise: an equal-parameter trunk does as well.",
        "a blog post",
        tuple(_error("width", f"wide-m{m}", f"masked-m{m}", "at most") for m in (1, 2)),
    ),
    Claim(
        14,
        "SE's reduction ratio matters little.",
        "SE paper",
        tuple(_error("neighbours", f"se-reduction{r}", "se", "same") for r in (8, 16, 32)),
    ),
)
