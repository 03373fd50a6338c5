"""A mean with the interval that Student's t gives it, from a few paired differences."""

import math
from statistics import mean, stdev
from typing import NamedTuple


class Interval(NamedTuple):
    """The mean of n numbers and its two-sided 95 % interval; infinite for n = 1."""

    mean: float
    low: float
    high: float
    n: int


def t_interval(values: list[float], level: float = 0.95) -> Interval:
    """``mean +- t s / sqrt(n)`` with n - 1 degrees of freedom, for normal values.

    Raises:
        ValueError: for no values.
    """
    if not values:
        raise ValueError("an interval needs at least one value, got none")
    middle, n = mean(values), len(values)
    if n == 1:
        return Interval(middle, -math.inf, math.inf, 1)
    half = t_quantile((1 + level) / 2, n - 1) * stdev(values) / math.sqrt(n)
    return Interval(middle, middle - half, middle + half, n)


def t_quantile(p: float, freedom: int) -> float:
    """The value below which Student's t with ``freedom`` degrees lies with probability p > 0.5."""
    low, high = 0.0, 1.0
    while t_within(high, freedom) < 2 * p - 1:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if t_within(middle, freedom) < 2 * p - 1 else (low, middle)
    return (low + high) / 2


def t_within(t: float, freedom: int) -> float:
    """P(|T| <= t), by the finite series of Abramowitz and Stegun 26.7.3 and 26.7.4."""
    angle = math.atan(t / math.sqrt(freedom))
    cosine, sine = math.cos(angle), math.sin(angle)
    odd = freedom % 2
    term, total = (cosine, 0.0) if odd else (1.0, 0.0)
    for k in range(odd, freedom - 1, 2):
        total += term
        term *= cosine**2 * (k + 1) / (k + 2)
    if odd:
        return 2 / math.pi * (angle + sine * total)
    return sine * total
