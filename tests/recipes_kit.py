"""A scale so small that whole recipes run in seconds; also the script that a test kills."""

import sys
from dataclasses import replace
from pathlib import Path

import torch

from resattn.experiments.recipe import Run, Variant
from resattn.experiments.runner import Places, execute
from resattn.experiments.scales import SMALL
from resattn.experiments.store import Result

TINY = replace(
    SMALL,
    name="tiny",
    data=replace(SMALL.data, train=24, val=20, test=20),
    train=replace(
        SMALL.train,
        steps=2,
        warmup_steps=1,
        batch_size=8,
        eval_every=0,
        checkpoint_every=1,
        precision="float32",
    ),
    seeds=(0, 1),
)


def tiny_run(variant: Variant | None = None, *, name: str = "arl", **train: object) -> Run:
    variant = variant or TINY.variant()
    return Run("tried", "tiny", name, replace(variant, train=replace(variant.train, **train)), 0)


def places(folder: Path) -> Places:
    return Places(results=folder / "results", runs=folder / "runs")


def run_tiny(run: Run, folder: Path, *, data: Path | None = None, **options: object) -> Result:
    torch.set_num_threads(1)
    where = replace(places(folder), data=data or folder)
    return execute(run, device="cpu", places=where, **options)


if __name__ == "__main__":
    from training_kit import kill_at

    from resattn.experiments import runner

    traced = runner._Trace.__call__
    killer = kill_at(int(sys.argv[2]))

    def trace_then_die(self, step, model):
        traced(self, step, model)
        killer(step, model)

    runner._Trace.__call__ = trace_then_die
    run_tiny(tiny_run(steps=5), Path(sys.argv[1]))
