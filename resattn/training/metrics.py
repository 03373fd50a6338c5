"""What a run measured, in memory and as a file of JSON lines."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from resattn.training.checkpoint import clear_disk_errors, write_atomically
from resattn.training.config import TrainConfig
from resattn.training.evaluation import Score


@dataclass
class History:
    """What `fit` returns.

    Attributes:
        config: of the run.
        device: what it ran on, for example "cpu" or "cuda:0".
        loss: mean training loss (nats) of the global batch at steps 1, 2, ...
        validation: from step to the `Score` on the validation data after that step.
        seconds: spent in training steps, without validation and checkpoints; a resumed run counts
            its earlier parts.
    """

    config: TrainConfig
    device: str
    loss: list[float] = field(default_factory=list)
    validation: dict[int, Score] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def images_per_second(self) -> float:
        """Training images, of all processes, in a second of training."""
        return len(self.loss) * self.config.batch_size / self.seconds

    @property
    def best_step(self) -> int:
        """The step with the lowest validation error; the first of equals."""
        return min(self.validation, key=lambda step: (self.validation[step].error, step))

    def add(self, line: dict[str, Any]) -> None:
        """Take in one line of the metrics file."""
        self.loss.append(line["loss"])
        if "val_error" in line:
            self.validation[line["step"]] = Score(line["val_error"], line["val_loss"])


def read_metrics(path: Path, last_step: int, least: int) -> list[dict[str, Any]]:
    """Return the lines of steps 1 to ``last_step``; what a killed run wrote after them is left out.

    Raises:
        ValueError: if one of the steps 1 to ``least`` is missing.
    """
    texts = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    lines: list[dict[str, Any]] = []
    for text in texts[:last_step]:
        try:
            line = json.loads(text)
            if line["step"] != len(lines) + 1:
                break
        except (json.JSONDecodeError, KeyError, TypeError):
            break
        lines.append(line)
    if len(lines) >= least:
        return lines
    raise ValueError(
        f"{path} is damaged: it lacks some of the steps 1 to {least} of the checkpoint beside it; "
        f"put a copy in its place, or empty the folder to start the run again"
    )


class MetricsWriter:
    """Appends to ``metrics.jsonl``: a line a step with ``step``, ``learning_rate``, ``loss``, and
    after a validation ``val_error`` and ``val_loss``. No times, so equal runs give equal bytes.

    Args:
        path: the file; its folder is made if need be.
        last_step: the steps to keep of what the file already holds.
    """

    def __init__(self, path: Path, last_step: int) -> None:
        self.path = path
        with clear_disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        kept = "".join(map(_encode, read_metrics(path, last_step, last_step)))
        write_atomically(path, kept.encode())

    def __enter__(self) -> Self:
        self._file = open(self.path, "a", encoding="utf-8", buffering=1)
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def append(self, line: dict[str, Any]) -> None:
        """Write one line, which reaches the operating system at once."""
        with clear_disk_errors(self.path):
            self._file.write(_encode(line))

    def sync(self) -> None:
        """Wait until the lines are on the disk, so that no checkpoint can outlive them."""
        with clear_disk_errors(self.path):
            os.fsync(self._file.fileno())


def _encode(line: dict[str, Any]) -> str:
    return json.dumps(line, allow_nan=False) + "\n"
