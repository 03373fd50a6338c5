"""What is measured in a run besides its error. Probes look at validation images, never at test's.

Everything returned is plain numbers, ready for a result file.
"""

from collections.abc import Sequence
from dataclasses import asdict
from itertools import combinations

import torch
import torch.nn.functional as F
from torch import Tensor

from resattn.data.loading import ImageDataset
from resattn.network import ResidualAttentionNetwork
from resattn.probes import (
    attention_maps,
    attention_scores,
    baseline_maps,
    gradient_norms,
    mask_statistics,
    responses,
)
from resattn.probes.responses import covered_fraction

PROBE_IMAGES = 256
TRACE_IMAGES = 64

Numbers = dict[str, object]


class Probe:
    """The validation images that a run is probed with, and their true masks where there are any.

    Args:
        val: the validation data, with or without ``object_masks`` and ``distractor_masks``.
    """

    def __init__(self, val: ImageDataset) -> None:
        n = min(PROBE_IMAGES, len(val))
        items = [val[i] for i in range(n)]
        self.images = torch.stack([item[0] for item in items])
        self.labels = torch.tensor([int(item[1]) for item in items])
        self.object, self.distractor = (
            _first_masks(val, f"{kind}_masks", n) for kind in ("object", "distractor")
        )

    def trace(self, model: ResidualAttentionNetwork) -> Numbers:
        """Gradient norms and responses as the network learns: in training mode, on 64 images."""
        model.train()
        images, labels = self.images[:TRACE_IMAGES], self.labels[:TRACE_IMAGES]
        return {
            "gradient": gradient_norms(model, images, labels),
            "response": responses(model, images).absolute.tolist(),
        }

    def network(self, model: ResidualAttentionNetwork) -> Numbers:
        """Responses a stage and their split, and what every mask and gate does, in model's mode."""
        found = responses(
            model, self.images, object_masks=self.object, distractor_masks=self.distractor
        )
        maps = attention_maps(model, self.images)
        return {
            "responses": {
                "absolute": found.absolute.tolist(),
                "relative": found.relative.tolist(),
                **{name: values.tolist() for name, values in found.regions.items()},
            },
            "masks": {name: self._mask(mask) for name, mask in maps.items()},
            "agreement": _agreement(maps, self.images.shape[2:]),
        }

    def baselines(self) -> Numbers | None:
        """Attention scores of maps that know nothing of attention."""
        if self.object is None:
            return None
        baselines = baseline_maps(self.images)
        return {name: _scores(maps, self.object) for name, maps in baselines.items()}

    def _mask(self, mask: Tensor) -> Numbers:
        measured: Numbers = asdict(mask_statistics(mask))
        if self.object is not None:
            measured["scores"] = _scores(mask, self.object)
            measured["lift"] = self._lifts(mask, self.object)
        return measured

    def _lifts(self, mask: Tensor, object_masks: Tensor) -> Numbers:
        """Mask mass in each region, as a multiple of what a uniform mask has there.

        As in `resattn.probes.scores`, negative values hold no mass, and a mask without any counts
        as a uniform one.
        """
        regions = {"object": object_masks}
        if self.distractor is not None:
            regions["distractor"] = self.distractor
        regions["background"] = ~torch.stack(list(regions.values())).any(0)
        mass = mask.double().mean(1).clamp(min=0)  # (N, h, w)
        mass = torch.where(mass.sum((1, 2), keepdim=True) > 0, mass, 1.0)
        mass = mass / mass.sum((1, 2), keepdim=True)
        shares = {name: covered_fraction(r, mass.shape[1:]) for name, r in regions.items()}
        return {
            name: ((mass * share).sum() / share.mean((1, 2)).sum()).item()
            for name, share in shares.items()
        }


def _first_masks(val: ImageDataset, name: str, n: int) -> Tensor | None:
    masks: Tensor | None = getattr(val, name, None)
    return None if masks is None else masks[:n]


def _scores(maps: Tensor, object_masks: Tensor) -> Numbers:
    scores = attention_scores(maps, object_masks)
    return {name: values.mean().item() for name, values in vars(scores).items()}


def _agreement(maps: dict[str, Tensor], size: Sequence[int]) -> float | None:
    """Mean correlation over positions between two modules' maps of the same image.

    Maps are first meaned over channels and brought to the image's size. 1: all modules attend to
    the same places. None for fewer than two maps that vary over positions.
    """
    flat = []
    for mask in maps.values():
        scalar = mask.double().mean(1, keepdim=True)  # (N, 1, h, w)
        scalar = F.interpolate(scalar, size=tuple(size), mode="bilinear").flatten(1)
        scalar = scalar - scalar.mean(1, keepdim=True)
        if scalar.abs().max() > 1e-9:
            flat.append(F.normalize(scalar, dim=1))
    pairs = [(a * b).sum(1).mean() for a, b in combinations(flat, 2)]
    return torch.stack(pairs).mean().item() if pairs else None
