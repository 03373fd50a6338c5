"""A training in progress, and how it is taken up again."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from resattn.data.loading import ImageDataset, make_loader
from resattn.training.checkpoint import check_belongs, load_checkpoint, save_checkpoint
from resattn.training.config import TrainConfig, learning_rate_at
from resattn.training.devices import to_device
from resattn.training.distributed import World
from resattn.training.evaluation import shared_score
from resattn.training.inputs import check_labels
from resattn.training.interrupt import Interrupt, ignore_interrupts
from resattn.training.metrics import History, MetricsWriter, read_metrics
from resattn.training.progress import Progress
from resattn.training.seeding import seed_step
from resattn.training.stepping import Objective, Stepper

CHECKPOINT = "checkpoint.pt"
METRICS = "metrics.jsonl"

Callback = Callable[[int, nn.Module], None]
Line = dict[str, Any]
"""One line of the metrics file."""


class Trainer:
    """A training in progress: the model, what was measured, and the folder that keeps both.

    A step is made, the callback sees it, a checkpoint is written if one is due, and **then** the
    model is validated: whatever happens in a validation, the steps before it are kept. The
    checkpoint holds the last step's line of the metrics file as far as it is known, so that a run
    that is taken up again begins with the validation that it lacks.

    Args:
        classes: the number of logits, for which training labels are checked; None does not check.
    """

    def __init__(
        self,
        model: nn.Module,
        train: ImageDataset,
        val: ImageDataset,
        config: TrainConfig,
        world: World,
        folder: Path | None,
        objective: Objective,
        classes: int | None,
    ) -> None:
        self.model, self.train, self.val, self.config, self.world = model, train, val, config, world
        self.classes = classes
        self.history = History(config, str(world.device))
        self.folder = folder
        self.unfinished: Line | None = None
        state = self._stored_state()
        self.stepper = Stepper(model, config, world, objective)
        if state is not None:
            model.load_state_dict(state["model"])
            self.stepper.optimizer.load_state_dict(state["optimizer"])

    @property
    def step(self) -> int:
        """The steps that are made and measured."""
        return len(self.history.loss)

    def _stored_state(self) -> dict[str, Any] | None:
        """Take up the history of the run in the folder, if there is one, and return its state."""
        if self.folder is None or not (self.folder / CHECKPOINT).exists():
            return None
        path = self.folder / CHECKPOINT
        state = load_checkpoint(path)
        check_belongs(
            state, path, model=self.model, config=self.config, train_images=len(self.train)
        )
        step, last = state["step"], state.get("line")
        least = step if last is None else step - 1
        for line in read_metrics(self.folder / METRICS, step, least):
            self.history.add(line)
        self.unfinished = last if self.step < step else None
        self.history.seconds = state["seconds"]
        return state

    def train_on(
        self, workers: int, shown: bool, on_step: Callback | None, interrupt: Interrupt
    ) -> None:
        """Finish the step that is not measured yet, if there is one, and make those left."""
        batches = self._batches(workers)
        made = self.step + (self.unfinished is not None)
        with ExitStack() as stack:
            metrics = None
            if self.folder is not None and self.world.is_first and self.step < self.config.steps:
                writer = MetricsWriter(self.folder / METRICS, self.step)
                metrics = stack.enter_context(writer)
            display = stack.enter_context(Progress(self.config, first_step=made, shown=shown))
            if self.unfinished is not None:
                self._finish(self.unfinished, metrics, display)
            while self.step < self.config.steps:
                step = self.step + 1
                started = time.perf_counter()
                loss, stop = self.stepper(step, next(batches), interrupt.requested)
                self.history.seconds += time.perf_counter() - started
                if on_step:
                    on_step(step, self.model)
                rate = learning_rate_at(self.config, step)
                line = {"step": step, "learning_rate": rate, "loss": loss}
                stop |= self.world.size == 1 and interrupt.requested
                saved = stop or _is_due(step, self.config.checkpoint_every, self.config)
                if saved:
                    self._save(line, metrics)
                if stop:
                    raise KeyboardInterrupt(self._farewell(step))
                try:
                    self._finish(line, metrics, display)
                except BaseException:
                    if not saved:
                        self._save(line, metrics)
                    raise

    def _batches(self, workers: int) -> Iterator[tuple[Tensor, ...]]:
        """The batches of the steps that are left, on the device; each seeds its step's draws."""
        epoch_steps = len(self.train) // self.config.batch_size
        while True:
            epoch, made = divmod(self.step, epoch_steps)
            loader = make_loader(
                self.train,
                self.config.batch_size,
                shuffle_seed=self.config.seed,
                epoch=epoch,
                skip_batches=made,
                workers=workers,
                rank=self.world.rank,
                world_size=self.world.size,
                drop_last=True,
            )
            loader.worker_init_fn = ignore_interrupts
            waiting = iter(loader)
            for _ in range(made, epoch_steps):
                seed_step(self.config.seed, self.step + 1, self.world.rank)
                batch = next(waiting)
                if self.classes is not None:
                    check_labels("train", batch[1], self.classes)
                yield to_device(batch, self.world.device)

    def _finish(self, line: Line, metrics: MetricsWriter | None, display: Progress) -> None:
        """Validate after the step just made, if that is due, and enter its line everywhere."""
        step = line["step"]
        if _is_due(step, self.config.eval_every, self.config):
            self.world.share_buffers(self.model)
            score = shared_score(
                self.model,
                self.val,
                batch_size=self.config.batch_size,
                precision=self.config.precision,
                world=self.world,
            )
            self.stepper.check_finite(score.loss, step, "validation loss")
            line = line | {"val_error": score.error, "val_loss": score.loss}
        if metrics:
            metrics.append(line)
        self.history.add(line)
        display.show(line)

    def _save(self, line: Line, metrics: MetricsWriter | None) -> None:
        """Write a checkpoint, if this process writes any and the weights are sound."""
        self.stepper.check_weights(line["step"])
        if metrics is None or self.folder is None:
            return
        metrics.sync()
        save_checkpoint(
            self.folder / CHECKPOINT,
            {
                "step": line["step"],
                "line": line,
                "seconds": self.history.seconds,
                "config": asdict(self.config),
                "train_images": len(self.train),
                "model": self.model.state_dict(),
                "optimizer": self.stepper.optimizer.state_dict(),
            },
        )

    def _farewell(self, step: int) -> str:
        if self.folder is None:
            return f"stopped after step {step}; without a run_dir nothing was kept"
        return (
            f"stopped after step {step}; call fit again with run_dir={str(self.folder)!r} "
            f"to go on from there"
        )


def _is_due(step: int, every: int, config: TrainConfig) -> bool:
    return step == config.steps or (every > 0 and step % every == 0)
