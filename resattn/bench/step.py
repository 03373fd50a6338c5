"""One training step of the small preset on the CPU: which way is the cheapest?"""

import copy

import torch

import resattn
from resattn.bench import Row, interleaved_medians
from resattn.bench.steps import WAYS, training_step

BATCH = 64


def measure(rounds: int = 15) -> list[Row]:
    """Median milliseconds a step (forward, backward) of `small_attention32`, each way in turn."""
    torch.manual_seed(0)
    model = resattn.small_attention32()
    images = torch.rand(BATCH, 1, 32, 32)
    labels = torch.randint(0, 10, (BATCH,))
    taken = interleaved_medians(
        {way: training_step(copy.deepcopy(model), images, labels, way) for way in WAYS}, rounds
    )
    cheapest = min(taken, key=taken.__getitem__)
    rows = [(f"{way}, batch {BATCH}", f"{1000 * time:.0f} ms") for way, time in taken.items()]
    return [*rows, ("the cheapest", cheapest)]
