"""Result files: written whole or not at all, read with care."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import nn

from resattn.experiments.recipe import Run
from resattn.training.checkpoint import write_atomically

RESULTS = Path(__file__).parent / "results"
MAX_CHECKPOINT_BYTES = 1_000_000

Result = dict[str, Any]
KEYS = (
    *("recipe", "scale", "variant", "seed", "configuration", "diverged", "test", "validation"),
    *("curves", "probes", "seconds", "ms_per_step", "provenance"),
)


def read_result(path: Path) -> Result:
    """The result in a file.

    Raises:
        ValueError: one sentence, if the file is no whole result.
        FileNotFoundError: if there is none.
    """
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        lacking = [key for key in KEYS if key not in result]
        if not isinstance(result, dict) or lacking:
            raise ValueError(f"it lacks {', '.join(lacking)}")
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"the result {path} is damaged ({error}); delete it and run its recipe again"
        ) from error
    return result


def find_result(run: Run, folder: Path = RESULTS) -> Result | None:
    """The recorded result of a run, or None. Raises ValueError for a damaged one."""
    path = folder / run.file
    return read_result(path) if path.exists() else None


def write_result(result: Result, path: Path) -> None:
    """Write a result; what was measured keeps six digits, and what is not finite becomes null.

    Raises:
        OSError: one sentence, if it cannot be written; nothing half-written is left.
    """
    kept = {k: v if k == "configuration" else _plain(v) for k, v in result.items()}
    text = json.dumps(kept, allow_nan=False, separators=(",", ":"))
    _write(path, (text + "\n").encode())


def write_checkpoint(model: nn.Module, path: Path) -> None:
    """Write the weights in half precision.

    Raises:
        ValueError: if they are larger than a megabyte or beyond half precision's range.
        OSError: one sentence, if it cannot be written.
    """
    state = {k: v.detach().cpu() for k, v in model.state_dict().items()}
    halves = {k: v.half() if v.is_floating_point() else v for k, v in state.items()}
    halves = {k: v.contiguous() for k, v in halves.items()}
    if not all(value.isfinite().all() for value in halves.values()):
        raise ValueError(f"the weights for {path.name} exceed half precision's 65504")
    content = save(halves)
    if len(content) > MAX_CHECKPOINT_BYTES:
        raise ValueError(
            f"{path.name} would have {len(content)} bytes; checkpoints that ship have at most "
            f"{MAX_CHECKPOINT_BYTES}: take the recipe's flag away"
        )
    _write(path, content)


def read_checkpoint(path: Path) -> dict[str, torch.Tensor]:
    """Weights for ``load_state_dict``, in single precision again."""
    return {k: v.float() if v.is_floating_point() else v for k, v in load_file(path).items()}


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
    except OSError as error:
        cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
        raise OSError(
            error.errno,
            f"{path} could not be written ({cause.strerror}); nothing half-written is left: make "
            f"room, then give the same command again",
        ) from error


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        rounded = float(f"{value:.6g}")
        return rounded if abs(rounded) < float("inf") else None
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value
