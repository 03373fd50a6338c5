"""The paper's CIFAR task with a thin network and three steps; also the script of two processes."""

import os
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resattn.__main__ import main
from resattn.experiments import EVERY_RECIPE, get_recipe, runner, runs_of, train
from resattn.experiments.recipe import Network, Recipe, Run, Scale, Variant
from resattn.experiments.runner import Places
from resattn.presets import get_config

NAME = "cifar10-attention56"
SHORT = {"steps": 3, "milestones": (1, 2), "batch_size": 8, "learning_rate": 0.01}


def thin(scale: Scale) -> dict[str, Variant]:
    network = replace(get_config("small_attention32"), in_channels=3)
    variant = Variant(Network(network), scale.data, scale.train)
    return {"thin": variant, "frozen": variant}


def short_recipe() -> Recipe:
    """The recipe as it is declared but for its network and its schedule."""
    recipe = get_recipe(NAME)
    (scale, _) = recipe.scales
    short = replace(scale, train=replace(scale.train, **SHORT), seeds=(0,))
    return replace(recipe, declare=thin, scales=(short,))


def short_run(variant: str) -> Run:
    (run,) = runs_of(short_recipe(), "paper", variants=[variant])[variant]
    return run


def places(folder: Path) -> Places:
    return Places(results=folder / "results", runs=folder / "runs")


def command(folder: Path, data: Path, variant: str, patch: pytest.MonkeyPatch) -> None:
    """`python -m resattn train` of one variant of the short recipe, with results in ``folder``."""
    torch.set_num_threads(1)
    here = places(folder)
    recipe = short_recipe()
    with patch.context() as patched:
        patched.setitem(EVERY_RECIPE, NAME, recipe)
        patched.setattr(train, "Places", partial(Places, results=here.results, runs=here.runs))
        if variant == "frozen":
            patched.setattr(nn.BatchNorm2d, "forward", frozen)
        words = ["train", NAME, "--variants", variant, "--device", "cpu", "--root", str(data)]
        assert main(words) == 0


def frozen(self: nn.BatchNorm2d, x: Tensor) -> Tensor:
    """Batch norm without the batch: what one image gives does not depend on its neighbours."""
    return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias)


def refuse(*args: object, **options: object) -> None:
    raise AssertionError("only the first process may do this")


if __name__ == "__main__":
    folder, data = map(Path, sys.argv[1:])
    patch = pytest.MonkeyPatch()
    if os.environ["RANK"] != "0":
        for module, name in ((train, "held"), (runner, "Probe"), (runner, "write_result")):
            patch.setattr(module, name, refuse)
    for variant in ("thin", "frozen", "frozen"):
        command(folder, data, variant, patch)
