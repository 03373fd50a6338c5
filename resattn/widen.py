"""The controls for "width in disguise": networks widened to a given number of parameters."""

from dataclasses import replace

import torch

from resattn.config import NetworkConfig
from resattn.cost import count_parameters
from resattn.network import ResidualAttentionNetwork


def widened_trunk(config: NetworkConfig) -> NetworkConfig:
    """Return the network without masks, with units widened until it has as many parameters.

    See `widened`. The result is within 2 % of the target, which the suite checks for every preset.

    Raises:
        ValueError: for a network without masks, which has nothing to be compared with.
    """
    if not config.has_masks:
        raise ValueError("a widened trunk matches a network with masks; this one has none")
    with torch.device("meta"):
        target = count_parameters(ResidualAttentionNetwork(config))
    return widened(replace(config, merge="none"), target)


def widened(config: NetworkConfig, parameters: int) -> NetworkConfig:
    """Return a network without masks whose units are widened to ``parameters``.

    All inner widths grow by one factor, found by bisection, and are rounded to a multiple of what
    the units need (their groups; 4 for inception units). Channels between units stay, and so do
    gates.

    Raises:
        ValueError: for a network with masks, or one that is larger already.
    """
    if config.has_masks:
        raise ValueError("only a network without masks is widened; set merge='none'")
    if (own := _trunk_parameters(config)) > parameters:
        raise ValueError(f"the network has {own} parameters already, more than {parameters}")
    step = 4 if config.unit == "inception" else config.groups

    def scaled(factor: float) -> NetworkConfig:
        stages = tuple(
            replace(stage, width=max(1, round(factor * stage.width / step)) * step)
            for stage in config.stages
        )
        return replace(config, stages=stages)

    low, high = 1.0, 2.0
    while _trunk_parameters(scaled(high)) < parameters:
        high *= 2
    for _ in range(12):
        middle = (low + high) / 2
        if _trunk_parameters(scaled(middle)) < parameters:
            low = middle
        else:
            high = middle
    return min(
        (scaled(low), scaled(high)), key=lambda found: abs(_trunk_parameters(found) - parameters)
    )


def _trunk_parameters(config: NetworkConfig) -> int:
    """Parameters of a network without masks: a stage's units are alike, so one is built of each."""
    pairs = tuple(replace(stage, modules=0, plain=1) for stage in config.stages)
    with torch.device("meta"):
        model = ResidualAttentionNetwork(replace(config, stages=pairs))
    total = count_parameters(model)
    for stage, built in zip(config.stages, model.stages, strict=True):
        units = stage.modules * (2 * config.p + config.t) + stage.plain
        total += (units - 1) * count_parameters(list(built.children())[1])
    return total
