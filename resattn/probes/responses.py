"""How large the maps are at the end of each stage, in all and where the object lies."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from resattn.network import ResidualAttentionNetwork
from resattn.probes.capture import check_masks, check_stages, for_model, to_cpu, watching


@dataclass(frozen=True)
class Responses:
    """Mean absolute responses of S stages, float64, in the network's own units.

    Attributes:
        absolute: ``(S,)``, the mean of ``|x|`` over images, channels and positions.
        regions: name of the region to ``(S,)``, the same over that region's positions; nan where
            no image has the region. Empty when no masks were given.
    """

    absolute: Tensor
    regions: dict[str, Tensor] = field(default_factory=dict)

    @property
    def relative(self) -> Tensor:
        """``(S,)``: each stage divided by stage 1, as in the paper's figure 4."""
        return self.absolute / self.absolute[0]

    @property
    def relative_regions(self) -> dict[str, Tensor]:
        """Each region divided by its own stage 1."""
        return {name: values / values[0] for name, values in self.regions.items()}


def responses(
    model: ResidualAttentionNetwork,
    images: Tensor,
    *,
    object_masks: Tensor | None = None,
    distractor_masks: Tensor | None = None,
) -> Responses:
    """Mean absolute response at the end of each stage, in the mode the model is in.

    With masks it is also split into ``"object"``, ``"distractor"`` (if given) and
    ``"background"``: everything else. Stage maps are smaller than the image, so a cell may lie
    partly in a region: it counts there with the **fraction of its area that the region covers**.
    So the three are the parts of ``absolute``: weighted by their areas they add up to it. A map of
    h by w is taken to tile the image evenly; what a response depends on reaches further.

    Args:
        model: the network.
        images: float ``(N, C, H, W)``.
        object_masks, distractor_masks: bool ``(N, H, W)``, disjoint.

    Raises:
        ValueError: for a model without stages, images or masks of a wrong shape or type, masks that
            overlap, or distractors without objects.

    Source: Wang et al. 2017, figure 4. The split answers the objection that a mask *should* quiet
    the background.
    """
    check_stages(model)
    images = for_model(model, images)
    regions = _regions(images, object_masks, distractor_masks)
    means: list[Tensor] = []
    split: dict[str, list[Tensor]] = {name: [] for name in regions}

    def look(_: Tensor, output: Tensor) -> None:
        magnitude = to_cpu(output).abs().mean(1)  # (N, h, w)
        means.append(magnitude.mean())
        for name, region in regions.items():
            weight = covered_fraction(region, magnitude.shape[1:])
            split[name].append((weight * magnitude).sum() / weight.sum())

    with torch.no_grad(), watching(model, [(stage, look) for stage in model.stages]):
        model(images)
    return Responses(torch.stack(means), {name: torch.stack(v) for name, v in split.items()})


def covered_fraction(masks: Tensor, size: Sequence[int]) -> Tensor:
    """The share of each cell's area that the mask covers: bool (N, H, W) to float64 (N, h, w).

    Exact for any sizes: cell i of h spans pixels ``i H/h`` to ``(i+1) H/h``, split pixels included.
    """
    rows, columns = (_overlaps(cells, n) for cells, n in zip(size, masks.shape[1:], strict=True))
    return rows @ masks.double() @ columns.T


def _overlaps(cells: int, pixels: int) -> Tensor:
    """(cells, pixels): which share of a cell's length lies in each pixel; rows sum to 1."""
    edges = torch.arange(cells + 1, dtype=torch.float64) * pixels / cells
    start = torch.arange(pixels, dtype=torch.float64)
    last = torch.minimum(edges[1:, None], start + 1)
    first = torch.maximum(edges[:-1, None], start)
    return (last - first).clamp(min=0) * cells / pixels


def _regions(
    images: Tensor, object_masks: Tensor | None, distractor_masks: Tensor | None
) -> dict[str, Tensor]:
    if object_masks is None:
        if distractor_masks is not None:
            raise ValueError("distractor_masks were given without object_masks; give both")
        return {}
    regions = {"object": object_masks}
    if distractor_masks is not None:
        regions["distractor"] = distractor_masks
    for name, masks in regions.items():
        check_masks(f"{name}_masks", masks, (len(images), *images.shape[2:]))
    regions = {name: masks.cpu() for name, masks in regions.items()}
    if distractor_masks is not None and (regions["object"] & regions["distractor"]).any():
        raise ValueError("object_masks and distractor_masks overlap; give each pixel one owner")
    rest = ~torch.stack(list(regions.values())).any(0)
    return {**regions, "background": rest}
