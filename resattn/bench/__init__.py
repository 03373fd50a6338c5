"""`python -m resattn bench [NAME ...]`: what things cost on this machine, as ratios and medians.

Each benchmark is a module with ``measure()``, which yields rows: (what, value). Rivals are
measured in the same run, in turn with ours, so that a busy machine slows both.
"""

import argparse
import importlib
import platform
import sys
from collections.abc import Callable
from datetime import date
from statistics import median
from time import perf_counter

from resattn.checks import check_choice
from resattn.machine import processor

Action = Callable[[], object]
Row = tuple[str, str]

BENCHMARKS = {
    "imports": "import resattn against import torch, torchvision",
    "images": "6,000 embedded images of 32x32",
    "step": "one training step of the small preset, the ways of running it side by side",
    "training": "images a second of `resattn.training.fit` against a plain loop",
    "attention56": "Attention-56 at 224 against pytorchcv's resattnet56: time and memory",
}


def seconds(action: Action) -> float:
    """Wall-clock seconds of one call."""
    start = perf_counter()
    action()
    return perf_counter() - start


def interleaved_medians(actions: dict[str, Action], rounds: int) -> dict[str, float]:
    """Median seconds of each action after one warm-up, all of them once a round."""
    for name, action in actions.items():
        print(f"  warming up: {name}, {seconds(action):.1f} s", file=sys.stderr, flush=True)
    times = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            times[name].append(seconds(action))
    return {name: median(taken) for name, taken in times.items()}


def machine() -> str:
    """Processor, threads, system and versions, in one line."""
    import torch

    return (
        f"{processor()}, {torch.get_num_threads()} threads, {platform.system()}, "
        f"Python {platform.python_version()}, torch {torch.__version__}, {date.today()}"
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `bench`."""
    listed = "; ".join(f"{name}: {what}" for name, what in BENCHMARKS.items())
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{listed} (default: all)")


def run(options: argparse.Namespace) -> int:
    """Runs the named benchmarks, or all, and prints a Markdown table of each."""
    for name in options.names:
        check_choice("benchmark", name, tuple(BENCHMARKS))
    print(machine(), flush=True)
    for name in options.names or BENCHMARKS:
        rows = importlib.import_module(f"resattn.bench.{name}").measure()
        print(f"\n**{BENCHMARKS[name]}**\n\n| what | measured |\n|---|---|", flush=True)
        for what, value in rows:
            print(f"| {what} | {value} |", flush=True)
    return 0
