"""Images a second of the course's training loop against the plain loop that one would write first.

On a CPU the small preset on embedded digits; on a GPU the paper's CIFAR networks on images of their
shape. The plain loop is float32, channels first, with PyTorch's default SGD and a `DataLoader` of
single items; ours is `resattn.training.fit`, in the ways that `TrainConfig` offers.
"""

import time
from collections.abc import Iterator
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

import resattn
from resattn.bench import Row
from resattn.bench.steps import matrix_rate
from resattn.cost import TRAINING_PASSES
from resattn.data import ClutteredDigits, InMemoryImages
from resattn.training import TrainConfig, fit, seed_everything

BATCH = 64
WAYS = {
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


def measure(steps: int = 60) -> Iterator[Row]:
    """Images a second, after a warm-up, of each network and way; and the best ratio."""
    if torch.cuda.is_available():
        images = torch.randint(0, 256, (10_000, 3, 32, 32), dtype=torch.uint8)
        data = InMemoryImages(images, torch.randint(0, 10, (10_000,)))
        for name in ("cifar_attention56", "cifar_attention92"):
            yield from _compare(name, data, "cuda", WAYS | COMPILED, 10 * steps)
    else:
        yield from _compare("small_attention32", ClutteredDigits("train", 4000), "cpu", WAYS, steps)


def _compare(
    name: str, data: Dataset, device: str, ways: dict[str, dict], steps: int
) -> Iterator[Row]:
    config = TrainConfig(steps=steps, batch_size=BATCH)
    rates = {"plain loop": _plain(name, data, device, steps)}
    for way, options in ways.items():
        rates[way] = _fitted(name, data, device, replace(config, **options))
    for way, rate in rates.items():
        ratio = rate / rates["plain loop"]
        yield f"{name}, {device}, {way}", f"{rate:.0f} images/s, ratio {ratio:.2f}"
    multiply_adds = TRAINING_PASSES * resattn.PRESETS[name].multiply_adds
    share = max(rates.values()) * multiply_adds / matrix_rate(torch.bfloat16, device=device)
    yield f"{name}, {device}: share of the bfloat16 matrix rate, best", f"{share:.1%}"


def _plain(name: str, data: Dataset, device: str, steps: int) -> float:
    """Images a second of the loop that one would write first."""
    seed_everything(0)
    model = resattn.create_model(name).to(device)
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9, weight_decay=1e-4)
    singly = [data[i] for i in range(min(len(data), 2000))]
    loader = DataLoader(singly, BATCH, shuffle=True, drop_last=True)

    def batches() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        while True:
            yield from loader

    start, source = 0.0, batches()
    for step in range(steps + 10):
        if step == 10:
            start = time.perf_counter()
        images, labels = next(source)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images.to(device)), labels.to(device))
        loss.backward()
        optimizer.step()
        loss.item()
    return steps * BATCH / (time.perf_counter() - start)


def _fitted(name: str, data: Dataset, device: str, config: TrainConfig) -> float:
    """Images a second of `fit`, loading included, without its first ten steps."""
    seed_everything(0)
    model = resattn.create_model(name)
    stamps: list[float] = []
    few = InMemoryImages(data.images[:BATCH], data.labels[:BATCH])
    fit(
        model,
        data,
        few,
        replace(config, steps=config.steps + 10),
        device=device,
        progress=False,
        on_step=lambda step, _: stamps.append(time.perf_counter()),
    )
    return config.steps * BATCH / (stamps[-1] - stamps[9])
