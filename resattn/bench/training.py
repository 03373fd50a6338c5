"""Images a second of the course's training loop against the plain loop that one would write first.

On a CPU the small preset on embedded digits; on a GPU the paper's CIFAR networks on images of their
shape. The plain loop is float32, channels first, with PyTorch's default SGD and a `DataLoader` of
single items; ours is `resattn.training.fit`, in the ways that `TrainConfig` offers.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader

import resattn
from resattn.bench import Row
from resattn.bench.steps import matrix_rate
from resattn.cost import TRAINING_PASSES
from resattn.data import ClutteredDigits, InMemoryImages
from resattn.training import TrainConfig, fit, seed_everything


@dataclass(frozen=True)
class Sizes:
    """How much is measured: steps after a warm-up, images per step and in all, side of a matrix."""

    steps: int = 60
    batch: int = 64
    images: int = 4000
    matrix: int = 2048


WARM_UP = 10
WAYS: dict[str, dict[str, Any]] = {
    "fit, float32": {},
    "fit, channels_last": {"channels_last": True},
    "fit, bfloat16": {"precision": "bfloat16"},
    "fit, channels_last + bfloat16": {"channels_last": True, "precision": "bfloat16"},
}
COMPILED = {
    "fit, channels_last + bfloat16 + compile": {
        **WAYS["fit, channels_last + bfloat16"],
        "compile": True,
    }
}


def measure(sizes: Sizes = Sizes()) -> Iterator[Row]:
    """Images a second, after a warm-up, of each network and way; and the best ratio."""
    if torch.cuda.is_available():
        sizes = replace(sizes, steps=10 * sizes.steps)
        images = torch.randint(0, 256, (10_000, 3, 32, 32), dtype=torch.uint8)
        data = InMemoryImages(images, torch.randint(0, 10, (10_000,)))
        for name in ("cifar_attention56", "cifar_attention92"):
            yield from _compare(name, data, "cuda", WAYS | COMPILED, sizes)
    else:
        digits = ClutteredDigits("train", sizes.images)
        yield from _compare("small_attention32", digits, "cpu", WAYS, sizes)


def _compare(
    name: str, data: InMemoryImages, device: str, ways: dict[str, dict[str, Any]], sizes: Sizes
) -> Iterator[Row]:
    config = TrainConfig(steps=sizes.steps + WARM_UP, batch_size=sizes.batch)
    rates = {"plain loop": _plain(name, data, device, config)}
    for way, options in ways.items():
        rates[way] = _fitted(name, data, device, replace(config, **options))
    for way, rate in rates.items():
        ratio = rate / rates["plain loop"]
        yield f"{name}, {device}, {way}", f"{rate:.0f} images/s, ratio {ratio:.2f}"
    multiply_adds = TRAINING_PASSES * resattn.PRESETS[name].multiply_adds
    peak = matrix_rate(torch.bfloat16, device=device, largest=sizes.matrix)
    share = max(rates.values()) * multiply_adds / peak
    yield f"{name}, {device}: share of the bfloat16 matrix rate, best", f"{share:.1%}"


def _plain(name: str, data: InMemoryImages, device: str, config: TrainConfig) -> float:
    """Images a second of the loop that one would write first."""
    seed_everything(0)
    model = resattn.create_model(name).to(device)
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9, weight_decay=1e-4)
    singly: Any = [data[i] for i in range(min(len(data), 2000))]  # a list is map-style too
    loader: Any = DataLoader(singly, config.batch_size, shuffle=True, drop_last=True)

    def batches() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        while True:
            yield from loader

    start, source = 0.0, batches()
    for step in range(config.steps):
        if step == WARM_UP:
            start = time.perf_counter()
        images, labels = next(source)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images.to(device)), labels.to(device))
        loss.backward()
        optimizer.step()
        loss.item()
    return (config.steps - WARM_UP) * config.batch_size / (time.perf_counter() - start)


def _fitted(name: str, data: InMemoryImages, device: str, config: TrainConfig) -> float:
    """Images per second of `fit`, loading included, without its warm-up."""
    seed_everything(0)
    model = resattn.create_model(name)
    stamps: list[float] = []
    few = InMemoryImages(data.images[: config.batch_size], data.labels[: config.batch_size])
    fit(
        model,
        data,
        few,
        config,
        device=device,
        progress=False,
        on_step=lambda step, _: stamps.append(time.perf_counter()),
    )
    return (config.steps - WARM_UP) * config.batch_size / (stamps[-1] - stamps[WARM_UP - 1])
