"""The paper's own task: its CIFAR and ImageNet networks, trained by its own recipe (section 4).

Two scales. "paper" (the default) is the published recipe in float32; "fast" is the same schedule
with bfloat16 autocast and channels-last memory. ``torch.compile`` is off in both: on the CPUs where
it was measured it loses, and on GPUs it was not measured. All need data and a GPU, so `train all`
leaves them out.

Departures. The paper gives no widths for CIFAR: see `resattn.presets`. It states neither batch size
nor weight decay for ImageNet: see `paper_imagenet`. Under ``torchrun`` each process normalises with
the statistics of its own share of the 64 or 256 images: see `resattn.training.stepping.Stepper`.
"""

from dataclasses import replace
from functools import partial
from typing import Any

from resattn.create import configured
from resattn.experiments.images import CifarImages, FolderOfImages
from resattn.experiments.recipe import Data, Network, Recipe, Scale, Variant
from resattn.experiments.tasks import TASKS, Task
from resattn.training import paper_cifar, paper_imagenet

CHECKPOINT_EVERY = 1000
FAST: dict[str, Any] = {"precision": "bfloat16", "channels_last": True}


def _recipe(task: Task) -> Recipe:
    """Return what `train` runs for a task."""
    imagenet = task.data == "imagenet"
    schedule = paper_imagenet() if imagenet else paper_cifar()
    train = replace(schedule, checkpoint_every=CHECKPOINT_EVERY)
    seeds = (0,) if imagenet else (0, 1, 2)
    return Recipe(
        name=task.name,
        question=_question(task),
        declare=partial(_declare, task),
        scales=(
            Scale("paper", _images(task), train, seeds),
            Scale("fast", _images(task), replace(train, **FAST), seeds),
        ),
    )


def _declare(task: Task, scale: Scale) -> dict[str, Variant]:
    if task.data == "imagenet":
        network = configured(task.model, {"merge": task.merge})
    else:
        options = {"merge": task.merge, "num_classes": int(task.data.removeprefix("cifar"))}
        network = configured(f"cifar_{task.model}", options)
    return {task.variant: Variant(Network(network), scale.data, scale.train)}


def _images(task: Task) -> Data:
    if task.data == "imagenet":
        return FolderOfImages()
    return CifarImages(task.data, clean_ratio=(100 - task.noise) / 100)


def _question(task: Task) -> str:
    asked = f"What does {task.model} reach on {task.data} by the paper's recipe"
    naive = ", with naive attention" if task.merge == "nal" else ""
    noisy = f", with {task.noise} % of the labels wrong" if task.noise else ""
    return f"{asked}{naive}{noisy}?"


PAPER_RECIPES: dict[str, Recipe] = {name: _recipe(task) for name, task in TASKS.items()}
"""By name; `train all` does not run them."""
