"""From recorded runs to a verdict: supported, not supported, or cannot tell at this scale.

The interval of a contrast is Student's t over seeds, 95 %, of the differences within a seed: the
variants of one seed share training images, their order and the label noise.
"""

from collections.abc import Callable
from dataclasses import dataclass

from resattn.experiments import get_recipe, runs_of
from resattn.experiments.claims import Claim, Contrast
from resattn.experiments.intervals import Interval, t_interval
from resattn.experiments.metrics import METRICS
from resattn.experiments.recipe import Run
from resattn.experiments.store import Result, find_result

SUPPORTED, NOT_SUPPORTED = "supported", "not supported"
CANNOT_TELL, NOT_RUN = "cannot tell at this scale", "not run"

Find = Callable[[Run], Result | None]


@dataclass(frozen=True)
class Finding:
    """What the runs say of one contrast; without an interval if too few are recorded."""

    verdict: str
    interval: Interval | None


def contrast_verdict(interval: Interval, contrast: Contrast) -> str:
    """The verdict on one contrast.

    - "below" is supported if the whole interval lies below 0 and the mean is ``effect`` or more
      away; it is not if the interval excludes so large an effect. "above" mirrors it.
    - "at most" is supported if the whole interval lies below ``effect``; it is not if it lies
      above 0 and the mean is ``effect`` or more.
    - "same" is supported if the interval lies within ``effect`` of 0; it is not if it excludes 0
      and the mean is ``effect`` or more away.
    """
    mean, low, high, _ = interval
    effect, claimed = contrast.effect, contrast.claimed
    if claimed == "above":
        mean, low, high = -mean, -high, -low
    if claimed in ("below", "above"):
        yes, no = high < 0 and mean <= -effect, low > -effect
    elif claimed == "at most":
        yes, no = high < effect, low > 0 and mean >= effect
    else:
        yes = -effect < low and high < effect
        no = (low > 0 or high < 0) and abs(mean) >= effect
    return SUPPORTED if yes else NOT_SUPPORTED if no else CANNOT_TELL


def examine(contrast: Contrast, scale: str, find: Find = find_result) -> Finding:
    """The finding of a contrast from what is recorded at a scale.

    Raises:
        ValueError: for a damaged result, or a scale or variants that the recipe has not.
    """
    names = {*contrast.plus, *contrast.minus}
    runs = runs_of(get_recipe(contrast.recipe), scale, variants=names)
    results = {name: [find(run) for run in runs[name]] for name in names}
    metric = METRICS[contrast.metric]
    differences: list[float] = []
    recorded = 0
    for by_seed in zip(*results.values(), strict=True):
        if None in by_seed:
            continue
        recorded += 1
        measured = dict(zip(results, map(metric, by_seed), strict=True))
        values = {name: value for name, value in measured.items() if value is not None}
        if len(values) == len(measured):
            gain, loss = (sum(values[n] for n in side) for side in (contrast.plus, contrast.minus))
            differences.append(gain - loss)
    if not differences:
        return Finding(CANNOT_TELL if recorded else NOT_RUN, None)
    interval = t_interval(differences)
    return Finding(contrast_verdict(interval, contrast), interval)


def claim_verdict(findings: list[Finding]) -> str:
    """A claim stands if all its contrasts do, falls with any, and waits for all to be run."""
    said = [finding.verdict for finding in findings]
    for worst in (NOT_RUN, NOT_SUPPORTED, CANNOT_TELL):
        if worst in said:
            return worst
    return SUPPORTED


def try_claim(claim: Claim, scale: str, find: Find = find_result) -> tuple[str, list[Finding]]:
    """The verdict on a claim, and the finding of each of its contrasts."""
    findings = [examine(contrast, scale, find) for contrast in claim.contrasts]
    return claim_verdict(findings), findings
