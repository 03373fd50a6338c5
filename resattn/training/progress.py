"""One line of progress."""

import sys
import time
from typing import Any, Self

from resattn.training.config import TrainConfig

_SECONDS_BETWEEN = 0.1


class Progress:
    """The line of a run.

    In a terminal it rewrites itself and says how much time is left. Elsewhere (a notebook, a log)
    there is one plain line per validation, without times, so that two equal runs print the same.

    Args:
        config: of the run.
        first_step: the steps already made.
        shown: False prints nothing.
    """

    def __init__(self, config: TrainConfig, *, first_step: int, shown: bool) -> None:
        self.config = config
        self.first_step = first_step
        self.shown = shown
        self.live = shown and sys.stdout.isatty()
        self.validation = ""
        self.start = self.drawn = time.perf_counter()

    def __enter__(self) -> Self:
        if self.live:
            print(f"step {self.first_step}/{self.config.steps}  starting", end="", flush=True)
        return self

    def __exit__(self, *_: object) -> None:
        if self.live:
            print(flush=True)

    def show(self, line: dict[str, Any]) -> None:
        """Show a line of the metrics file: live at most ten times a second, else if validated."""
        now = time.perf_counter()
        validated = "val_error" in line
        if validated:
            self.validation = f"  validation error {line['val_error']:.2%}"
        text = f"step {line['step']}/{self.config.steps}  loss {line['loss']:.4f}{self.validation}"
        if self.live and (validated or now - self.drawn > _SECONDS_BETWEEN):
            self.drawn = now
            print(f"\r\x1b[K{text}{self._pace(line['step'], now)}", end="", flush=True)
        elif self.shown and not self.live and validated:
            print(text, flush=True)

    def _pace(self, step: int, now: float) -> str:
        if step == self.first_step:  # made by an earlier part of the run
            return ""
        pace = (step - self.first_step) / (now - self.start)  # steps a second
        left = _clock((self.config.steps - step) / pace)
        return f"  {pace * self.config.batch_size:.0f} images/s  {left} left"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
