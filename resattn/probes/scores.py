"""Attention on trial: does a map lie on the object? Three scores, and baselines to beat.

Every score takes maps and the object's true masks, and gives one number an image:

- maps ``(N, h, w)``, or ``(N, C, h, w)``, whose **mean over channels** is scored, of any size:
  they are first brought to the masks' size bilinearly (``align_corners=False``, so that a map's
  cells tile the image);
- object masks bool ``(N, H, W)``, each with at least one pixel.

Values that agree to nine digits are ties, and ties are broken without bias: the score is the
expected value over all ways to break them. So a constant map scores as the uniform baseline does,
whatever rounding left in it. A wrong shape, a mask that is empty or not bool, or a value that is
not finite raises ValueError.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from resattn.probes.capture import check_masks, to_cpu

_TIE = 1e-9  # of the map's largest absolute value


@dataclass(frozen=True)
class AttentionScores:
    """The three scores of N maps, each float64 ``(N,)`` with values in [0, 1]; more is better."""

    energy: Tensor
    pointing: Tensor
    iou: Tensor


def attention_scores(maps: Tensor, object_masks: Tensor) -> AttentionScores:
    """`energy_inside`, `pointing_game` and `iou_at_area` of the same maps."""
    return AttentionScores(
        energy=energy_inside(maps, object_masks),
        pointing=pointing_game(maps, object_masks),
        iou=iou_at_area(maps, object_masks),
    )


def energy_inside(maps: Tensor, object_masks: Tensor) -> Tensor:
    """The share of the map's mass that lies inside the object: float64 (N,).

    A uniform map scores the object's share of the image. Negative values (f2 has them) hold no
    mass: they count as 0, after the mean over channels. A map without mass scores as a uniform one.
    """
    maps, inside = _prepare(maps, object_masks)
    mass = maps.clamp(min=0)
    total = mass.sum(1)
    share = (mass * inside).sum(1) / total
    return torch.where(total > 0, share, inside.double().mean(1))


def pointing_game(maps: Tensor, object_masks: Tensor) -> Tensor:
    """1 where the map's largest value lies inside the object, 0 where not: float64 (N,).

    Of several equally large positions it is the share that lies inside. Negative values need no
    rule: only the order counts.

    Source: Zhang et al. 2016 (arXiv 1608.00507), section 4.1; without their margin of 15 pixels.
    """
    maps, inside = _prepare(maps, object_masks)
    top = maps >= maps.amax(1, keepdim=True) - _tolerance(maps)
    return (top & inside).sum(1) / top.double().sum(1)


def iou_at_area(maps: Tensor, object_masks: Tensor) -> Tensor:
    """Intersection over union of the object (k pixels) and the k largest positions: float64 (N,).

    Where ties straddle the k-th place, it is the expected IoU over all choices among them. Only
    the order counts, so negative values need no rule.
    """
    maps, inside = _prepare(maps, object_masks)
    area = inside.sum(1)  # (N,)
    ranked = maps.sort(1, descending=True).values
    threshold = ranked.gather(1, area[:, None] - 1)
    tolerance = _tolerance(maps)
    above = maps > threshold + tolerance
    tied = (maps - threshold).abs() <= tolerance
    scores = [
        _expected_iou(*numbers)
        for numbers in zip(
            area.tolist(),
            above.sum(1).tolist(),
            (above & inside).sum(1).tolist(),
            tied.sum(1).tolist(),
            (tied & inside).sum(1).tolist(),
            strict=True,
        )
    ]
    return torch.tensor(scores, dtype=torch.float64)


def _expected_iou(area: int, above: int, above_inside: int, tied: int, tied_inside: int) -> float:
    """Mean IoU when ``area - above`` of the tied positions are drawn without replacement."""
    draws = area - above
    least = max(0, draws - (tied - tied_inside))
    hits = torch.arange(least, min(draws, tied_inside) + 1, dtype=torch.float64)
    log_ways = _log_choose(tied_inside, hits) + _log_choose(tied - tied_inside, draws - hits)
    chance = torch.softmax(log_ways, 0)  # hypergeometric
    both = above_inside + hits
    return (chance * both / (2 * area - both)).sum().item()


def _log_choose(count: int, k: Tensor) -> Tensor:
    n = torch.tensor(float(count), dtype=torch.float64)
    return torch.lgamma(n + 1) - torch.lgamma(k + 1) - torch.lgamma(n - k + 1)


def baseline_maps(images: Tensor) -> dict[str, Tensor]:
    """Maps that know nothing of attention, to be scored beside it: name to float64 (N, H, W).

    - ``"uniform"``: 1 everywhere.
    - ``"centre"``: a fixed Gaussian bump, standard deviation a quarter of each side.
    - ``"input energy"``: the image's own brightness, the mean of its channels. Give images in
      [0, 1], before any subtraction of a mean.
    """
    if images.ndim != 4:
        raise ValueError(f"images must have shape (N, C, H, W), got {tuple(images.shape)}")
    brightness = to_cpu(images).mean(1)
    rows, columns = (_bump(side) for side in images.shape[2:])
    return {
        "uniform": torch.ones_like(brightness),
        "centre": torch.outer(rows, columns).expand_as(brightness),
        "input energy": brightness,
    }


def _bump(side: int) -> Tensor:
    """exp(-d^2 / 2 s^2) with d the distance from the middle and s = side / 4; exactly symmetric."""
    doubled = 2 * torch.arange(side) - (side - 1)
    return torch.exp(-2 * (doubled.double() / side) ** 2)


def _tolerance(maps: Tensor) -> Tensor:
    return _TIE * maps.abs().amax(1, keepdim=True)


def _prepare(maps: Tensor, object_masks: Tensor) -> tuple[Tensor, Tensor]:
    """Scalar maps at the masks' size and the masks, both (N, H * W)."""
    if maps.ndim not in (3, 4) or maps.numel() == 0:
        raise ValueError(f"maps must have shape (N, h, w) or (N, C, h, w), got {tuple(maps.shape)}")
    maps = to_cpu(maps)
    if not maps.isfinite().all():
        raise ValueError("maps hold values that are not finite; a diverged model has no attention")
    if maps.ndim == 4:
        maps = maps.mean(1)
    check_masks("object_masks", object_masks, (len(maps), *object_masks.shape[1:]))
    inside = object_masks.cpu().flatten(1)
    empty = (~inside.any(1)).nonzero().flatten().tolist()
    if empty:
        raise ValueError(
            f"the object of image {empty[0]} has no pixels, so nothing can lie inside it; "
            f"leave out the {len(empty)} such images"
        )
    size = object_masks.shape[1:]
    maps = F.interpolate(maps[:, None], size=size, mode="bilinear", align_corners=False)
    return maps.flatten(1), inside
