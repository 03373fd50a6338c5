"""Measurements: a model or its maps in, numbers out. Nothing is printed, nothing is changed.

`responses` and `gradient_norms` look at the stages, `attention_maps` and `mask_statistics` at the
masks, `attention_scores` at a map beside the object's true mask, `receptive_field` at what one
output position sees. Results lie on the CPU; numbers are float64.

`responses`, `gradient_norms` and `attention_maps` measure **in the mode the model is in**:
``model.eval()`` shows it as it predicts, ``model.train()`` as it learns, with the batch's own
statistics in every BN. Mode, parameters, gradients and running statistics are left as they were.
"""

from resattn.probes.gradients import gradient_norms
from resattn.probes.maps import MaskStatistics, attention_maps, mask_statistics
from resattn.probes.receptive import ReceptiveField, receptive_field
from resattn.probes.responses import Responses, responses
from resattn.probes.scores import (
    AttentionScores,
    attention_scores,
    baseline_maps,
    energy_inside,
    iou_at_area,
    pointing_game,
)

__all__ = [
    "AttentionScores",
    "MaskStatistics",
    "ReceptiveField",
    "Responses",
    "attention_maps",
    "attention_scores",
    "baseline_maps",
    "energy_inside",
    "gradient_norms",
    "iou_at_area",
    "mask_statistics",
    "pointing_game",
    "receptive_field",
    "responses",
]
