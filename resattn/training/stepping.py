"""One step of training: forward, backward, update."""

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from resattn.training.config import TrainConfig, learning_rate_at
from resattn.training.devices import autocast
from resattn.training.distributed import World
from resattn.training.trial import check_logits, check_loss

Objective = Callable[[nn.Module, tuple[Tensor, ...]], Tensor]
"""Maps the network and a batch to the mean loss over the batch, a scalar with a gradient."""


def classification(network: nn.Module, batch: tuple[Tensor, ...]) -> Tensor:
    """Mean cross entropy (nats) of the batch's labels: the objective unless another is given."""
    images, labels = batch[:2]
    return F.cross_entropy(check_logits(network(images), len(images)), labels)


class Stepper:
    """A model on its device, with its optimiser.

    Args:
        model: is moved to ``world.device``, and to channels-last memory if ``config`` says so.
        objective: what is minimised.

    The gradient is that of the objective's mean over the global batch. Each process normalises
    with the batch statistics of its own share; for those of the global batch convert the model
    with ``nn.SyncBatchNorm.convert_sync_batchnorm`` first (GPUs only).
    """

    def __init__(
        self, model: nn.Module, config: TrainConfig, world: World, objective: Objective
    ) -> None:
        self.objective = objective
        self.model = model.to(world.device)
        if config.channels_last:
            self.model = model.to(memory_format=torch.channels_last)
        self.config = config
        self.world = world
        self.optimizer = torch.optim.SGD(
            model.parameters(),
            lr=config.learning_rate,
            momentum=config.momentum,
            nesterov=config.nesterov,
            weight_decay=config.weight_decay,
            fused=world.device.type in ("cpu", "cuda"),  # one pass over memory: 4 x faster on a CPU
        )
        network = model if world.size == 1 else DistributedDataParallel(model)
        self.forward: Any = torch.compile(network) if config.compile else network

    def __call__(self, step: int, batch: tuple[Tensor, ...], stop: bool) -> tuple[float, bool]:
        """Make step ``step`` (from 1) on this process's share of the batch.

        Returns:
            The mean loss of the global batch, and whether any process asks to ``stop``.

        Raises:
            FloatingPointError: if that loss is not finite, on every process, before the update.
            ValueError: if it is not because of this process's images.
        """
        learning_rate = learning_rate_at(self.config, step)
        self.model.train()
        self.optimizer.zero_grad(set_to_none=True)
        device = self.world.device
        with autocast(device, self.config.precision):
            loss = check_loss(self.objective(self.forward, batch))
        report = torch.stack((loss.detach(), torch.full_like(loss.detach(), float(stop))))
        on_gpu = device.type == "cuda"
        report = self.world.total(report).to("cpu", non_blocking=on_gpu)
        arrived = torch.cuda.current_stream(device).record_event() if on_gpu else None
        loss.backward()
        if arrived:
            arrived.synchronize()  # waits for forward only: the GPU stays busy with backward
        total, stops = report.tolist()
        if not math.isfinite(total):
            _check_images(batch[0], step)
        self.check_finite(total, step, "training loss")
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self.optimizer.step()
        return total / self.world.size, stops > 0

    def check_finite(self, value: float, step: int, what: str) -> None:
        """Raise FloatingPointError, naming step and learning rate, unless ``value`` is finite."""
        if not math.isfinite(value):
            raise FloatingPointError(
                f"the {what} became {value} at step {step} with learning rate "
                f"{learning_rate_at(self.config, step):g}; start again with a lower learning_rate "
                f"or more warmup_steps"
            )

    def check_weights(self, step: int) -> None:
        """Raise FloatingPointError if a weight is not finite, as after an overflow in backward."""
        for name, weight in self.model.named_parameters():
            if not weight.isfinite().all():
                self.check_finite(math.nan, step, f"weight {name}")


def _check_images(images: Tensor, step: int) -> None:
    if not images.isfinite().all():
        raise ValueError(
            f"an image of step {step} holds values that are not finite (nan or inf), so no loss "
            "can be computed; repair the data or leave such images out"
        )
