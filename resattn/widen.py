"""The control for "width in disguise": a trunk without masks that has a masked network's size."""

from dataclasses import replace

from resattn.config import NetworkConfig
from resattn.cost import config_cost


def widened_trunk(config: NetworkConfig) -> NetworkConfig:
    """The same network without masks, its units' inner widths widened to the same parameters.

    All widths grow by one factor, found by bisection, and are rounded to a multiple of what the
    units need (their groups; 4 for inception units). Channels between units stay. For networks
    with masks the result is within 2 % of the target, which the suite checks for every preset.

    Raises:
        ValueError: for a network without masks, which has nothing to be compared with.
    """
    if not config.has_masks:
        raise ValueError("only a network with masks can be matched by a widened trunk; this has none")
    target, _ = config_cost(config)
    step = 4 if config.unit == "inception" else config.groups
    bare = replace(config, merge="none")

    def scaled(factor: float) -> NetworkConfig:
        stages = tuple(
            replace(stage, width=max(1, round(factor * stage.width / step)) * step)
            for stage in bare.stages
        )
        return replace(bare, stages=stages)

    low, high = 1.0, 2.0
    while config_cost(scaled(high))[0] < target:
        high *= 2
    for _ in range(12):
        middle = (low + high) / 2
        if config_cost(scaled(middle))[0] < target:
            low = middle
        else:
            high = middle
    return min(
        (scaled(low), scaled(high)), key=lambda found: abs(config_cost(found)[0] - target)
    )
