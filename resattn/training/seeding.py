"""Random draws as a pure function of a seed, so that a run can be repeated and resumed."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from resattn.data.bits import check_seed, stream

_STEP_STREAM = 101  # keeps the steps' draws apart from the streams of the data


def seed_everything(seed: int) -> None:
    """Seed Python's, numpy's and torch's global generators (every device).

    Call it before a model is made: its initial weights are then a function of ``seed``.

    Raises:
        ValueError: if ``seed`` is not a whole number from 0 to 2^32 - 1 (numpy's limit).
    """
    if check_seed(seed) >= 2**32:
        raise ValueError(f"a seed must be below 2^32 = {2**32}, got {seed}; for example 0")
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def seed_step(seed: int, step: int, rank: int) -> None:
    """Seed torch for one step of one process.

    Seeding every step costs some 50 microseconds, and makes dropout, augmentation and whatever a
    callback draws independent of everything that happened before the step: no generator's state
    has to be stored to resume.
    """
    torch.manual_seed(stream(_STEP_STREAM, seed, step, rank).random_raw() >> 1)


@contextmanager
def draws_kept(device: torch.device) -> Iterator[None]:
    """Put the global generators (Python's, numpy's, torch's) back when the block ends."""
    python, numbers = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numbers)
