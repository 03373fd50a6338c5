"""The training loop: one for a CPU, one GPU, and ``torchrun``."""

import os
from pathlib import Path

import torch
from torch import nn

from resattn.data.loading import ImageDataset, kind
from resattn.modes import modes_kept
from resattn.training.config import TrainConfig
from resattn.training.distributed import World, join
from resattn.training.inputs import check_dataset, check_same_classes
from resattn.training.interrupt import deferred_interrupt
from resattn.training.metrics import History
from resattn.training.stepping import Objective, classification
from resattn.training.trainer import Callback, Trainer
from resattn.training.trial import check_model, check_single_image, check_trainable, check_trial


def fit(
    model: nn.Module,
    train: ImageDataset,
    val: ImageDataset,
    config: TrainConfig,
    *,
    run_dir: str | os.PathLike[str] | None = None,
    device: str | torch.device = "auto",
    workers: int = 0,
    progress: bool = True,
    on_step: Callback | None = None,
    objective: Objective = classification,
) -> History:
    """Train ``model`` in place, and say what happened.

    With a ``run_dir`` each step goes to ``metrics.jsonl`` and the run's state to ``checkpoint.pt``;
    called again with the same arguments, `fit` goes on from the checkpoint. On the CPU the result
    is bit for bit that of an uninterrupted run; on a GPU too, as far as its kernels are
    deterministic (``torch.use_deterministic_algorithms(True)``). A finished run is only read.

    Under ``torchrun`` every process calls `fit` with the same arguments; the first one writes, all
    must see the same ``run_dir``. The result is that of one process within rounding, batch norm
    apart: see `Stepper`.

    Args:
        model: maps images ``(B, C, H, W)`` to logits ``(B, classes)``. It stays on the device.
        train, val: map-style datasets of (image, label) pairs, or of longer tuples that begin so.
            The images that do not fill a last batch of an epoch wait for the next epoch's order.
        config: see `TrainConfig`.
        run_dir: folder for the run's two files; None keeps nothing.
        device: "auto" is a CUDA GPU if there is one, else Apple's GPU ("mps"), else the CPU.
        workers: processes that load images; 0 loads in this one.
        progress: print one line of progress; False prints nothing.
        on_step: called as ``on_step(step, model)`` after each step, with the step's gradients in
            ``.grad``, before its checkpoint and its validation. It may change modes and draw random
            numbers; both are reset.
        objective: what is minimised, the mean cross entropy unless given: ``objective(network,
            batch)`` gives a scalar loss of the batch's tensors. A checkpoint does not hold it.

    Raises:
        ValueError: in one sentence and before any work, for data and model that do not fit (found
            by a look at a few items and a trial on two images), a batch that is larger than
            ``train`` or does not divide among the processes, a device that is not here, a
            checkpoint that is damaged or belongs to another configuration, model or number of
            images. Later, for a label or an image of a batch that the look did not reach.
        FloatingPointError: if the loss is no longer finite; the last update was a sound one, and so
            is the last checkpoint.
        KeyboardInterrupt: on Ctrl-C, after the current step and a checkpoint.
        OSError: if a file cannot be written; the checkpoint before is intact.
    """
    folder = None if run_dir is None else Path(run_dir)
    _check_arguments(config, objective, on_step, folder)
    check_model(model)
    check_trainable(model)
    check_dataset("train", train)
    check_dataset("val", val)
    world = join(device)
    classes = _tried(model, train, val, config, objective, config.batch_size // world.size)
    _check_batch(train, config, world)
    with modes_kept(model):
        trainer = Trainer(model, train, val, config, world, folder, objective, classes)
        with deferred_interrupt() as interrupt:
            trainer.train_on(workers, progress and world.is_first, on_step, interrupt)
    return trainer.history


def _check_arguments(
    config: TrainConfig, objective: Objective, on_step: Callback | None, folder: Path | None
) -> None:
    if not isinstance(config, TrainConfig):
        raise ValueError(
            f"config must be a TrainConfig, got {kind(config)}; see TrainConfig(steps=...)"
        )
    for name, value in (("objective", objective), ("on_step", on_step)):
        if value is not None and not callable(value):
            raise ValueError(f"{name} must be a function, got {kind(value)}")
    if folder is not None and folder.exists() and not folder.is_dir():
        raise ValueError(f"run_dir {str(folder)!r} is a file; name a folder")


def _check_batch(train: ImageDataset, config: TrainConfig, world: World) -> None:
    if len(train) < config.batch_size:
        raise ValueError(
            f"batch_size must be at most the {len(train)} training images, got {config.batch_size}"
        )
    if config.batch_size % world.size:
        raise ValueError(
            f"batch_size is shared by {world.size} processes and must be a multiple of "
            f"{world.size}, got {config.batch_size}"
        )


def _tried(
    model: nn.Module,
    train: ImageDataset,
    val: ImageDataset,
    config: TrainConfig,
    objective: Objective,
    batch_share: int,
) -> int | None:
    """Try the model on both datasets; return the number of logits if it learns class indices."""
    check_same_classes(train, val)
    classes = None
    if objective is classification:  # another one may want other items
        classes = check_trial("train", train, model, config.precision)
        if batch_share == 1:
            check_single_image(train, model, config.precision)
    check_trial("val", val, model, config.precision)
    return classes
