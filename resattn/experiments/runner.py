"""One run from its declaration to its result file."""

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from resattn.data import WithObjectMasks
from resattn.experiments.mask_loss import with_mask_loss
from resattn.experiments.measure import Probe
from resattn.experiments.provenance import provenance
from resattn.experiments.recipe import Run, Splits, configuration_hash
from resattn.experiments.store import RESULTS, Result, write_checkpoint, write_result
from resattn.network import ResidualAttentionNetwork
from resattn.training import classification, evaluate, fit, seed_everything
from resattn.training.checkpoint import write_atomically
from resattn.training.distributed import World, join

LOSS_POINTS = 40


@dataclass(frozen=True)
class Places:
    """Folders: ``results`` of what is recorded, ``runs`` of what is unfinished, ``data``."""

    results: Path = RESULTS
    runs: Path = Path("runs") / "recipes"
    data: Path = Path("data")


def execute(
    run: Run,
    *,
    device: str = "auto",
    workers: int = 0,
    keep_checkpoint: bool = False,
    places: Places = Places(),
    progress: bool = False,
) -> Result | None:
    """Train, measure and record one run; one that was stopped before goes on where it was.

    A run whose loss stops being finite is a result too: it is recorded as diverged, with the error
    of guessing, ``1 - 1 / classes``, and without probes of the trained network.

    Under ``torchrun`` all processes train, each on its own GPU if there are any; the first one
    measures and records, the others return None.

    Raises:
        KeyboardInterrupt: on Ctrl-C, after the current step and a checkpoint.
        OSError, ValueError: one sentence, for missing data, a damaged checkpoint, a full disk.
    """
    world = join(device)
    configuration = run.configuration()
    folder = places.runs / f"{run.file.removesuffix('.json')}-{configuration_hash(configuration)}"
    splits = run.variant.data.load(run.seed, places.data)
    seed_everything(run.seed)
    model = ResidualAttentionNetwork(run.variant.network.config()).to(world.device)
    if not world.is_first:
        _train(run, model, splits, folder, world, None, workers, False)
        return None
    probe = Probe(splits.val)
    trace = _Trace(probe, folder / "trace.json", run.train.steps)
    start = {**probe.network(model), **trace.at(0, model)}
    diverged, seconds = _train(run, model, splits, folder, world, trace, workers, progress)
    result = _result(run, configuration, model, splits, folder, diverged)
    result["seconds"] = seconds
    result["ms_per_step"] = 1000 * seconds / max(1, result["steps"])
    result["probes"] = {"start": start, "end": None, "baselines": probe.baselines()}
    if not diverged:
        result["probes"]["end"] = probe.network(model.eval())
    result["curves"]["trace"] = trace.steps
    result["provenance"] = provenance(_command(run, world), world.device)
    path = places.results / run.file
    if keep_checkpoint and not diverged:
        write_checkpoint(model, path.with_suffix(".safetensors"))
    write_result(result, path)
    shutil.rmtree(folder)
    return result


def _command(run: Run, world: World) -> str:
    """What was run, with what decides the time it takes."""
    words = f"{run.command} --device {world.device.type}"
    if world.device.type == "cpu":
        words += f" --threads {torch.get_num_threads()}"
    if world.size == 1:
        return words
    return words.replace("python", f"torchrun --nproc-per-node {world.size}", 1)


class _Trace:
    """Probes at steps 0, 1, 2, 5, 10, 20, ... and the last, kept in a file for resumed runs."""

    def __init__(self, probe: Probe, path: Path, last: int) -> None:
        self.probe, self.path = probe, path
        self.due = {0, last} | {a * 10**b for a in (1, 2, 5) for b in range(9)}
        self.steps: dict[str, object] = json.loads(path.read_text()) if path.exists() else {}

    def at(self, step: int, model: nn.Module) -> dict[str, object]:
        network = cast(ResidualAttentionNetwork, model)
        return self.probe.trace(network) if step in self.due else {}

    def __call__(self, step: int, model: nn.Module) -> None:
        if found := self.at(step, model):
            self.steps[str(step)] = found
            write_atomically(self.path, json.dumps(self.steps).encode())


def _train(
    run: Run,
    model: ResidualAttentionNetwork,
    splits: Splits,
    folder: Path,
    world: World,
    trace: _Trace | None,
    workers: int,
    progress: bool,
) -> tuple[str | None, float]:
    """Why the run diverged, if it did, and the seconds spent in steps."""
    weight = run.variant.mask_weight
    started = time.perf_counter()
    try:
        history = fit(
            model,
            WithObjectMasks(splits.train) if weight else splits.train,
            splits.val,
            run.train,
            run_dir=folder,
            device=world.device,
            workers=workers,
            progress=progress,
            on_step=trace,
            objective=with_mask_loss(weight) if weight else classification,
        )
    except FloatingPointError as error:
        return str(error), time.perf_counter() - started
    return None, history.seconds


def _result(
    run: Run,
    configuration: dict[str, Any],
    model: ResidualAttentionNetwork,
    splits: Splits,
    folder: Path,
    diverged: str | None,
) -> Result:
    """Identity, curves and the final errors."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    validation = [[n["step"], n["val_error"], n["val_loss"]] for n in lines if "val_error" in n]
    if diverged:
        val = test = {"error": 1 - 1 / configuration["network"]["num_classes"], "loss": None}
    else:
        val = {"error": validation[-1][1], "loss": validation[-1][2]}
        device = next(model.parameters()).device
        test = (
            val  # of the last step, on the same images
            if splits.test is splits.val
            else evaluate(
                model, splits.test, device=device, precision=run.train.precision
            )._asdict()
        )
    return {
        "recipe": run.recipe,
        "scale": run.scale,
        "variant": run.name,
        "seed": run.seed,
        "fingerprint": configuration_hash(configuration),
        "configuration": configuration,
        "diverged": diverged and {"step": len(lines) + 1, "reason": diverged},
        "steps": len(lines),
        "validation": {**val, "images": len(splits.val)},
        "test": {**test, "images": len(splits.test)},
        "curves": {
            "loss": _thinned([line["loss"] for line in lines]),
            "validation": validation,
        },
    }


def _thinned(losses: list[float]) -> list[list[float]]:
    """(last step, mean loss) of at most 40 stretches of equal length."""
    length = max(1, -(-len(losses) // LOSS_POINTS))
    stretches = [losses[i : i + length] for i in range(0, len(losses), length)]
    ends = [min((i + 1) * length, len(losses)) for i in range(len(stretches))]
    return [[end, sum(part) / len(part)] for end, part in zip(ends, stretches, strict=True)]
