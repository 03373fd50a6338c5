"""What a training run is: its configuration, and the learning rate at each of its steps."""

import math
from dataclasses import dataclass
from typing import Literal

from resattn.checks import check_choice

PRECISIONS = ("float32", "bfloat16")
SCHEDULES = ("cosine", "step", "constant")

_LEAST = {
    "steps": 1,
    "batch_size": 1,
    "warmup_steps": 0,
    "seed": 0,
    "eval_every": 0,
    "checkpoint_every": 0,
}

_RATES = (
    ("learning_rate", lambda x: 0 < x < math.inf, "a number above 0", 0.1),
    ("momentum", lambda x: 0 <= x < 1, "at least 0 and below 1", 0.9),
    ("weight_decay", lambda x: 0 <= x < math.inf, "a number, 0 or more", 1e-4),
    ("factor", lambda x: 0 < x < 1, "above 0 and below 1", 0.1),
)


@dataclass(frozen=True)
class TrainConfig:
    """Stochastic gradient descent with momentum, as in the paper, and its schedule.

    Time is counted in steps (the paper's "iterations"): one step is one update of the weights on
    one batch. An epoch is ``len(train) // batch_size`` steps; `epochs` converts.

    Attributes:
        steps: updates in the whole run.
        batch_size: images of the **global** batch, shared out among the processes of a
            distributed run.
        learning_rate: the rate after warm-up and before any decay.
        momentum, nesterov: of SGD; Nesterov needs a momentum above 0.
        weight_decay: added to the gradient as ``weight_decay * weight``, for every parameter.
        warmup_steps: the rate rises linearly to ``learning_rate`` over this many steps.
        schedule: "cosine" falls to 0 at the end; "step" multiplies by ``factor`` once each of the
            ``milestones`` (in steps) is done; "constant" stays.
        milestones, factor: of the "step" schedule.
        seed: of the order of the images and of every random draw while training; not of the
            model's initial weights, which exist before (see `seed_everything`).
        precision: "float32", or "bfloat16" for autocast (weights and sums stay float32).
        channels_last: keep maps as ``(B, H, W, C)`` in memory; often faster, same function.
        compile: run the model through ``torch.compile``.
        eval_every: steps between validations; 0 validates after the last step only.
        checkpoint_every: steps between checkpoints; 0 writes one after the last step only.

    Raises:
        ValueError: for a value outside its range, naming the value and the limit.
    """

    steps: int
    batch_size: int = 64
    learning_rate: float = 0.1
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 1e-4
    warmup_steps: int = 0
    schedule: Literal["cosine", "step", "constant"] = "cosine"
    milestones: tuple[int, ...] = ()
    factor: float = 0.1
    seed: int = 0
    precision: Literal["float32", "bfloat16"] = "float32"
    channels_last: bool = False
    compile: bool = False
    eval_every: int = 0
    checkpoint_every: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "milestones", tuple(self.milestones))
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ValueError(f"{name} must be a whole number, {least} or more, got {value!r}")
        for name in ("nesterov", "channels_last", "compile"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name} must be True or False, got {getattr(self, name)!r}")
        self._check_rates()
        self._check_schedule()
        check_choice("precision", self.precision, PRECISIONS)

    def _check_rates(self) -> None:
        for name, allows, limit, paper in _RATES:
            value = getattr(self, name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not (number and allows(value)):
                raise ValueError(f"{name} must be {limit}, got {value!r}; the paper's is {paper}")
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov needs a momentum above 0, got 0; set nesterov=False")

    def _check_schedule(self) -> None:
        check_choice("schedule", self.schedule, SCHEDULES)
        if self.warmup_steps > self.steps:
            raise ValueError(
                f"warmup_steps must be at most steps = {self.steps}, got {self.warmup_steps}"
            )
        if bool(self.milestones) != (self.schedule == "step"):
            raise ValueError(
                f"milestones belong to schedule 'step', which needs one or more; got milestones "
                f"{self.milestones} with schedule {self.schedule!r}"
            )
        whole = all(type(milestone) is int for milestone in self.milestones)
        bounds = (0, *self.milestones, self.steps)
        if not whole or list(bounds) != sorted(set(bounds)):
            raise ValueError(
                f"milestones must be rising whole numbers above 0 and below steps = {self.steps}, "
                f"got {self.milestones}"
            )

    def epochs(self, train_images: int) -> float:
        """How often the run sees each of ``train_images`` images."""
        return self.steps / max(1, train_images // self.batch_size)


def learning_rate_at(config: TrainConfig, step: int) -> float:
    """The learning rate of step ``step``, counted from 1 to ``config.steps``.

    A pure function of the step, so that a resumed run needs no memory of its schedule.
    """
    done = step - 1
    if done < config.warmup_steps:
        return config.learning_rate * step / config.warmup_steps
    if config.schedule == "cosine":
        share = (done - config.warmup_steps) / (config.steps - config.warmup_steps)
        return config.learning_rate * (1 + math.cos(math.pi * share)) / 2
    passed = sum(done >= milestone for milestone in config.milestones)
    return config.learning_rate * config.factor**passed


def paper_cifar() -> TrainConfig:
    """The paper's recipe for CIFAR-10 and CIFAR-100 (section 4.1): 160,000 steps of 64 images."""
    return TrainConfig(
        steps=160_000,
        batch_size=64,
        learning_rate=0.1,
        nesterov=True,
        weight_decay=1e-4,
        schedule="step",
        milestones=(64_000, 96_000),
    )


def paper_imagenet() -> TrainConfig:
    """The paper's recipe for ImageNet (section 4.2): 530,000 steps of SGD with momentum 0.9.

    Departure: the paper states neither batch size nor weight decay. 256 and 1e-4 are those of a
    public reproduction, which reached 77.64 % top-1 with Attention-56 (the paper: 78.24 %) and,
    unlike this recipe, used Nesterov momentum.
    """
    return TrainConfig(
        steps=530_000,
        batch_size=256,
        learning_rate=0.1,
        nesterov=False,
        weight_decay=1e-4,
        schedule="step",
        milestones=(200_000, 400_000, 500_000),
    )
