"""What claims are decided by: named numbers, each read from one result."""

import math
from collections.abc import Callable
from statistics import mean, pstdev

from resattn.experiments.store import Result

Metric = Callable[[Result], float | None]


def _end(read: Callable[[Result], float]) -> Metric:
    """A number of the trained network: None where the run diverged, or where it is not finite."""

    def metric(result: Result) -> float | None:
        end = result["probes"]["end"]
        if end is None:
            return None
        try:
            return read(end)
        except (TypeError, ValueError, ZeroDivisionError):  # null stands for a number beyond range
            return None

    return metric


def _over_masks(field: str) -> Callable[[Result], float]:
    return lambda probes: mean(mask[field] for mask in probes["masks"].values())


def _lift_spread(probes: Result) -> float:
    return pstdev(mask["lift"]["object"] for mask in probes["masks"].values())


def _grown_spread(result: Result) -> float | None:
    after = METRICS["spread of object lift"](result)
    return None if after is None else after - _lift_spread(result["probes"]["start"])


METRICS: dict[str, Metric] = {
    "test error": lambda result: result["test"]["error"],
    "log10 response of the last stage": _end(lambda p: math.log10(p["responses"]["absolute"][-1])),
    "relative response of the last stage": _end(lambda p: p["responses"]["relative"][-1]),
    "object / background response, last stage": _end(
        lambda p: p["responses"]["object"][-1] / p["responses"]["background"][-1]
    ),
    "log10 gradient at the stem before step 1": lambda result: math.log10(
        result["probes"]["start"]["gradient"]["stem"]
    ),
    "mask's spread over positions": _end(_over_masks("std_positions")),
    "mask's spread over channels": _end(_over_masks("std_channels")),
    "spread of object lift": _end(_lift_spread),
    "spread of object lift, growth in training": _grown_spread,
    "attention IoU": _end(lambda p: mean(mask["scores"]["iou"] for mask in p["masks"].values())),
}
"""By the name that tables print. Errors are shares of 1; responses have the network's own unit."""
