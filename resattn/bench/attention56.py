"""Attention-56 at 224 pixels against the twin with the same parameter count in pytorchcv.

The twin's wiring differs (it adds twice at the skips), its work hardly does. It is an optional
install (``pip install pytorchcv``), needed here alone.
"""

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from statistics import median

import torch

import resattn
from resattn.bench import Row, interleaved_medians
from resattn.bench.steps import WAYS, matrix_rate, training_step
from resattn.cost import TRAINING_PASSES

BUILD = {
    "ours": "import resattn; model = resattn.attention56()",
    "pytorchcv": "from pytorchcv.models.resattnet import resattnet56; model = resattnet56()",
}
MULTIPLY_ADDS_AN_IMAGE = TRAINING_PASSES * resattn.PRESETS["attention56"].multiply_adds


def measure(rounds: int = 7) -> Iterator[Row]:
    """Ratios of time and of peak memory of a training step, batch 4 and 8."""
    for name in ("pytorchcv", "psutil"):
        if importlib.util.find_spec(name) is None:
            raise ValueError(
                f"the comparison needs {name}, which is not installed; run `pip install {name}`, "
                "or name another benchmark"
            )
    for batch in (4, 8):
        yield from _times(batch, rounds)
        yield from _memory(batch)


def _times(batch: int, rounds: int) -> Iterator[Row]:
    from pytorchcv.models.resattnet import resattnet56

    torch.manual_seed(0)
    images, labels = torch.randn(batch, 3, 224, 224), torch.randint(0, 1000, (batch,))
    steps = {"pytorchcv": training_step(resattnet56(), images, labels, "eager, float32")}
    for way in WAYS:
        steps[way] = training_step(resattn.attention56(), images, labels, way)
    taken = interleaved_medians(steps, rounds)
    theirs = taken.pop("pytorchcv")
    yield f"batch {batch}: pytorchcv, eager", f"{theirs:.2f} s"
    for way, time in taken.items():
        yield f"batch {batch}: ours, {way}", f"{time:.2f} s, ratio {time / theirs:.2f}"
    for way, dtype in (("eager, float32", torch.float32), ("best", torch.bfloat16)):
        time = min(taken.values()) if way == "best" else taken[way]
        share = batch * MULTIPLY_ADDS_AN_IMAGE / time / matrix_rate(dtype)
        name = str(dtype).removeprefix("torch.")
        yield f"batch {batch}: share of the {name} matrix rate, {way}", f"{share:.0%}"


def _memory(batch: int, rounds: int = 5) -> Iterator[Row]:
    """Peak resident memory of two steps in a fresh process, above what it had before the model."""
    peaks = {
        name: median(_peak(build, batch) for _ in range(rounds)) for name, build in BUILD.items()
    }
    ratio = peaks["ours"] / peaks["pytorchcv"]
    yield f"batch {batch}: peak memory, pytorchcv", f"{peaks['pytorchcv'] / 2**20:.0f} MB"
    yield f"batch {batch}: peak memory, ours", f"{peaks['ours'] / 2**20:.0f} MB, ratio {ratio:.2f}"


def _peak(build: str, batch: int) -> int:
    """Bytes, from a process of its own; ``build`` is the code that makes ``model``."""
    code = (
        "import torch, resattn, resattn.network, psutil\n"
        "from resattn.bench.attention56 import peak_memory\n"
        "from resattn.bench.steps import training_step\n"
        "before = psutil.Process().memory_info().rss\n"
        f"{build}\n"
        f"images, labels = torch.randn({batch}, 3, 224, 224), torch.zeros({batch}).long()\n"
        "step = training_step(model, images, labels, 'eager, float32')\n"
        "step(); step()\n"
        "print(peak_memory() - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE)
    return int(done.stdout)


def peak_memory() -> int:
    """Bytes of this process's largest resident set; on Linux getrusage may count the parent's."""
    if sys.platform == "linux":
        with open("/proc/self/status") as lines:
            peak = next(line for line in lines if line.startswith("VmHWM"))
        return int(peak.split()[1]) * 1024
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset
    import resource  # POSIX alone has it

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS
