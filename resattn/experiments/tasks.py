"""The cells of the paper's tables: which network on which data. Nothing here needs torch."""

from collections.abc import Iterator
from dataclasses import dataclass

from resattn.experiments.paper_numbers import T5, reported

CIFAR_ATTENTION = tuple(f"attention{depth}" for depth in (56, 92, 128, 164, 236))
BASELINE = "resnet164"


@dataclass(frozen=True)
class Task:
    """A cell of the paper's tables, or one that it leaves empty.

    Attributes:
        model: without the prefix, for example "attention56".
        data: "cifar10", "cifar100" or "imagenet".
        merge: "arl" or "nal".
        noise: per cent of wrong training labels.
    """

    model: str
    data: str
    merge: str = "arl"
    noise: int = 0

    @property
    def variant(self) -> str:
        """The name of its only variant."""
        suffix = "-nal" * (self.merge == "nal") + f"-noise{self.noise}" * (self.noise > 0)
        return self.model + suffix

    @property
    def name(self) -> str:
        """The name of its recipe."""
        return f"{self.data}-{self.variant}"

    @property
    def reported(self) -> tuple[float, str] | None:
        """The paper's error in per cent, and its table."""
        return reported(self.model, self.data, merge=self.merge, noise=self.noise)


def _tasks() -> Iterator[Task]:
    for data in ("cifar10", "cifar100"):
        for merge in ("arl", "nal"):
            for model in CIFAR_ATTENTION:
                yield Task(model, data, merge)
        yield Task(BASELINE, data)
    for model, errors in T5.items():
        for noise in errors:
            yield Task(model, "cifar10", noise=noise)
    yield Task("attention56", "imagenet")


TASKS: dict[str, Task] = {task.name: task for task in _tasks()}
"""By the name of the recipe."""
