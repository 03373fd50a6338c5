"""Checkpoints: written whole or not at all, read with care, refused when they do not belong."""

import io
import os
import pickle
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from resattn.training.config import TrainConfig


def write_atomically(path: Path, content: bytes | memoryview) -> None:
    """Replace ``path`` by ``content``; at every moment the old file or the new one is there.

    Raises:
        OSError: one sentence, if it cannot be written; the old file is then as it was.
    """
    temporary = path.with_name(path.name + ".tmp")
    with clear_disk_errors(path):
        try:
            with open(temporary, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


@contextmanager
def clear_disk_errors(path: Path) -> Iterator[None]:
    """Say in one sentence what a failed write means for the run."""
    try:
        yield
    except OSError as error:
        raise OSError(
            error.errno,
            f"{path} could not be written ({error.strerror}); what was there before is intact: "
            f"make room or choose another run_dir, then call fit again to go on from it",
        ) from error


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint; see `write_atomically`."""
    buffer = io.BytesIO()  # torch.save straight to the file would hide the cause of a failed write
    torch.save(state, buffer)
    write_atomically(path, buffer.getbuffer())


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU; only tensors and plain values are accepted from it.

    Raises:
        ValueError: one sentence, if the file is cut short or altered.
    """
    try:
        with zipfile.ZipFile(path) as archive:  # torch.load does not look at the check sums
            if archive.testzip() is not None:
                raise zipfile.BadZipFile("wrong check sum")
        state = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(state, dict) or not state.keys() >= _KEYS:
            raise ValueError("not a checkpoint of fit")
        return state
    except (
        zipfile.BadZipFile,
        RuntimeError,
        pickle.UnpicklingError,
        EOFError,
        ValueError,
    ) as error:
        raise ValueError(
            f"the checkpoint {path} is damaged ({str(error).splitlines()[0]}); put a copy in its "
            f"place, or delete it to start the run again"
        ) from error


_KEYS = {"config", "train_images", "model", "optimizer", "step", "seconds"}


def check_belongs(
    state: dict[str, Any], path: Path, *, model: nn.Module, config: TrainConfig, train_images: int
) -> None:
    """Refuse a checkpoint of another run.

    Raises:
        ValueError: naming the first field that differs, with both values.
    """
    here = asdict(config) | {"train_images": train_images}
    there = state["config"] | {"train_images": state["train_images"]}
    weights = {name: tuple(t.shape) for name, t in model.state_dict().items()}
    stored = {name: tuple(t.shape) for name, t in state["model"].items()}
    for kind, ours, theirs in (("", here, there), ("the model's ", weights, stored)):
        for name in [*ours, *theirs]:
            if ours.get(name) != theirs.get(name):
                raise ValueError(
                    f"{path} belongs to another run: {kind}{name} is {theirs.get(name)} there and "
                    f"{ours.get(name)} here; use another run_dir, or the same values to resume"
                )
