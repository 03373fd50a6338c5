"""Names of benchmarks; they need no torch, so a command line is checked with them."""

BENCHMARKS = {
    "imports": "import resattn against import torch, torchvision",
    "images": "6,000 embedded images of 32x32",
    "step": "one training step of the small preset, the ways of running it side by side",
    "training": "images a second of `resattn.training.fit` against a plain loop",
    "attention56": "Attention-56 at 224 against pytorchcv's resattnet56: time and memory",
}
"""Name of the module in `resattn.bench` to what it measures."""
