"""`python -m resattn train RECIPE`: run what is declared and not yet recorded.

Processes that are given the same command share the work: each takes runs that no other is at. With
`--threads 1` and one process a core, small networks train fastest. Under `torchrun --nproc-per-node
N -m resattn train RECIPE` N processes share each batch of one run instead.
"""

import argparse
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import torch

from resattn.experiments import get_recipe, keeps_checkpoint, runs_of
from resattn.experiments.lock import held
from resattn.experiments.recipe import Run
from resattn.experiments.runner import Places, execute
from resattn.experiments.store import Result, find_result
from resattn.training.distributed import World, join


def run(options: argparse.Namespace) -> int:
    """Train, skipping what is recorded and resuming what is unfinished; 130 after Ctrl-C."""
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    wanted: dict[str, Run] = {}
    for name in options.recipes:
        recipe = get_recipe(name)
        scale = recipe.scale(options.scale).name
        chosen = runs_of(recipe, scale, variants=options.variants, seeds=options.seeds)
        for of_one_seed in zip(*chosen.values(), strict=True):  # whole seeds first: they are pairs
            wanted |= {run.file: run for run in of_one_seed}
    world = join(options.device)
    runs, places = list(wanted.values()), Places(data=Path(options.root))
    try:
        train(runs, device=options.device, workers=options.workers, places=places)
    except KeyboardInterrupt:
        if world.is_first:
            print("\nstopped; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


def train(
    runs: list[Run],
    *,
    device: str,
    workers: int = 0,
    places: Places = Places(),  # noqa: B008 - frozen
) -> None:
    """Run what has no result yet, one after the other.

    Under ``torchrun`` the first process decides, holds the locks and speaks.

    Raises:
        ValueError: for a recorded result of another configuration than the recipe's.
        KeyboardInterrupt, OSError: as `execute`.
    """
    world = join(device)
    missing = [run for run in runs if not world.agree(_is_recorded(run, places))]
    _say(world, f"{len(runs) - len(missing)} of {len(runs)} runs are recorded")
    work = {run.file: _work(run) for run in missing}
    done = spent = 0.0
    for i, run in enumerate(missing, 1):
        path = (places.runs / run.file).with_suffix(".lock")
        with held(path) if world.is_first else nullcontext() as ours:
            if world.agree(ours and not _is_recorded(run, places)):
                left = sum(work.values()) * spent / done if done else None
                _say(world, f"[{i}/{len(missing)}] {_label(run)}  {_about(left)}")
                started = time.perf_counter()
                result = _execute(run, device, workers, places)
                _say(world, _outcome(result) if result else "")
                done += work[run.file]
                spent += time.perf_counter() - started
        del work[run.file]  # done, here or by another process


def _say(world: World, text: str) -> None:
    if world.is_first:
        print(text, flush=True)


def _execute(run: Run, device: str, workers: int, places: Places) -> Result | None:
    return execute(
        run,
        device=device,
        workers=workers,
        keep_checkpoint=keeps_checkpoint(run),
        places=places,
        progress=sys.stdout.isatty(),
    )


def _is_recorded(run: Run, places: Places) -> bool:
    result = find_result(run, places.results)
    if result is None:
        return False
    check_current(run, result, places)
    return True


def check_current(run: Run, result: Result, places: Places = Places()) -> None:  # noqa: B008
    """Refuse a result of another configuration than the recipe's.

    Raises:
        ValueError: naming the file and the command that makes it anew.
    """
    if result["configuration"] != run.configuration():
        raise ValueError(
            f"{places.results / run.file} was recorded with another configuration than the "
            f"recipe has now; delete it and run: {run.command}"
        )


def _work(run: Run) -> float:
    """Multiply-adds of the training: what time is taken to go with."""
    train = run.train
    return train.steps * train.batch_size * run.variant.network.cost()[1]


def _label(run: Run) -> str:
    return f"{run.recipe} {run.name} seed {run.seed} ({run.train.steps} steps)"


def _about(seconds: float | None) -> str:
    if seconds is None:
        return "time left: known after the first run"
    minutes = round(seconds / 60)
    return f"about {minutes // 60} h {minutes % 60:02} min left"


def _outcome(result: Result) -> str:
    if result["diverged"]:
        return f"    diverged at step {result['diverged']['step']}"
    return (
        f"    test error {result['test']['error']:.2%}, {result['seconds']:.0f} s, "
        f"{result['ms_per_step']:.0f} ms a step"
    )
