"""A run in progress, and how it is taken up again."""

import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.utils.data import Dataset

from resattn.data.loading import make_loader
from resattn.training.checkpoint import check_belongs, load_checkpoint, save_checkpoint
from resattn.training.config import TrainConfig, learning_rate_at
from resattn.training.distributed import World
from resattn.training.evaluation import shared_score, to_device
from resattn.training.interrupt import Interrupt, ignore_interrupts
from resattn.training.metrics import History, MetricsWriter, read_metrics
from resattn.training.progress import Progress
from resattn.training.seeding import seed_step
from resattn.training.stepping import Objective, Stepper

CHECKPOINT = "checkpoint.pt"
METRICS = "metrics.jsonl"

Callback = Callable[[int, nn.Module], None]


class Trainer:
    """A run in progress: the model, what was measured, and the folder that keeps both."""

    def __init__(
        self,
        model: nn.Module,
        train: Dataset,
        val: Dataset,
        config: TrainConfig,
        world: World,
        folder: Path | None,
        objective: Objective,
    ) -> None:
        self.model, self.train, self.val, self.config, self.world = model, train, val, config, world
        self.history = History(config, str(world.device))
        self.folder = folder
        state = self._stored_state()
        self.stepper = Stepper(model, config, world, objective)
        if state is not None:
            model.load_state_dict(state["model"])
            self.stepper.optimizer.load_state_dict(state["optimizer"])

    @property
    def step(self) -> int:
        """The steps made so far."""
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
        for line in read_metrics(self.folder / METRICS, state["step"]):
            self.history.add(line)
        self.history.seconds = state["seconds"]
        return state

    def train_on(
        self, workers: int, shown: bool, on_step: Callback | None, interrupt: Interrupt
    ) -> None:
        """Make the steps that are left."""
        batches = self._batches(workers)
        writes = self.folder is not None and self.world.is_first and self.step < self.config.steps
        with (
            MetricsWriter(self.folder / METRICS, self.step) if writes else nullcontext() as metrics,
            Progress(self.config, first_step=self.step, shown=shown) as display,
        ):
            while self.step < self.config.steps:
                started = time.perf_counter()
                loss, stop = self.stepper(self.step + 1, next(batches), interrupt.requested)
                self.history.seconds += time.perf_counter() - started
                line = self._measure(loss)
                if metrics:
                    metrics.append(line)
                display.show(line)
                if on_step:
                    on_step(self.step, self.model)
                stop |= self.world.size == 1 and interrupt.requested
                if stop or _is_due(self.step, self.config.checkpoint_every, self.config):
                    self._save(metrics)
                if stop:
                    raise KeyboardInterrupt(self._farewell())

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
                yield to_device(next(waiting), self.world.device)

    def _measure(self, loss: float) -> dict[str, Any]:
        """Enter the step just made, and a validation if one is due, into the history."""
        step = self.step + 1
        rate = learning_rate_at(self.config, step)
        line = {"step": step, "learning_rate": rate, "loss": loss}
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
            line |= {"val_error": score.error, "val_loss": score.loss}
        self.history.add(line)
        return line

    def _save(self, metrics: MetricsWriter | None) -> None:
        """Write a checkpoint, if this process writes any and the weights are sound."""
        self.stepper.check_weights(self.step)
        if metrics is None:
            return
        metrics.sync()
        save_checkpoint(
            self.folder / CHECKPOINT,
            {
                "step": self.step,
                "seconds": self.history.seconds,
                "config": asdict(self.config),
                "train_images": len(self.train),
                "model": self.model.state_dict(),
                "optimizer": self.stepper.optimizer.state_dict(),
            },
        )

    def _farewell(self) -> str:
        if self.folder is None:
            return f"stopped after step {self.step}; without a run_dir nothing was kept"
        return (
            f"stopped after step {self.step}; call fit again with run_dir={str(self.folder)!r} "
            f"to go on from there"
        )


def _is_due(step: int, every: int, config: TrainConfig) -> bool:
    return step == config.steps or (every > 0 and step % every == 0)
