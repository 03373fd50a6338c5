"""`python -m resattn bench [NAME ...]`: what things cost on this machine, as ratios and medians.

Each benchmark is a module with ``measure()``, which yields rows: (what, value). Rivals are
measured in the same run, in turn with ours, so that a busy machine slows both.
"""

import argparse
import importlib
import platform
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from statistics import median
from time import perf_counter

from resattn.bench.names import BENCHMARKS
from resattn.machine import processor

Action = Callable[[], object]
Row = tuple[str, str]


def seconds(action: Action) -> float:
    """Wall-clock seconds of one call."""
    start = perf_counter()
    action()
    return perf_counter() - start


def interleaved_medians(actions: Mapping[str, Action], rounds: int) -> dict[str, float]:
    """Median seconds of each action after one warm-up, all of them once a round."""
    for name, action in actions.items():
        print(f"  warming up: {name}, {seconds(action):.1f} s", file=sys.stderr, flush=True)
    times: dict[str, list[float]] = {name: [] for name in actions}
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


def run(options: argparse.Namespace) -> int:
    """Run the named benchmarks, or all, and print a Markdown table of each."""
    print_tables(__name__, BENCHMARKS, options.names or BENCHMARKS)
    return 0


def print_tables(package: str, benchmarks: Mapping[str, str], names: Iterable[str]) -> None:
    """Print the machine, then for each name the rows that its module in ``package`` measures."""
    print(machine(), flush=True)
    for name in names:
        rows: Iterable[Row] = importlib.import_module(f"{package}.{name}").measure()
        print(f"\n**{benchmarks[name]}**\n\n| what | measured |\n|---|---|", flush=True)
        for what, value in rows:
            print(f"| {what} | {value} |", flush=True)
