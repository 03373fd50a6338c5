"""Where a number comes from: code, versions, machine, date."""

import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import numpy
import torch

import resattn
from resattn.machine import processor

ROOT = Path(resattn.__file__).parents[1]


def provenance(command: str, device: torch.device) -> dict[str, object]:
    """What stands beside every recorded number.

    ``git_commit`` is None outside a git checkout; ``git_changed`` lists the package's files that
    differ from that commit.
    """
    on_gpu = device.type == "cuda"
    return {
        "command": command,
        "git_commit": _git("rev-parse", "HEAD"),
        "git_changed": _changed(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "device": torch.cuda.get_device_name(device) if on_gpu else processor(),
        "threads": torch.get_num_threads(),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": numpy.__version__,
            "resattn": resattn.__version__,
        },
        "system": f"{platform.system()} {platform.machine()}",
    }


def _changed() -> list[str] | None:
    said = _git("status", "--porcelain", "--", "resattn/*.py", "resattn/*.npz")
    return None if said is None else [line[3:] for line in said.splitlines()]


def _git(*words: str) -> str | None:
    try:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True)
    except OSError:
        return None
    return done.stdout.rstrip() if done.returncode == 0 else None
