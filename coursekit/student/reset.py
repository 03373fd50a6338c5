"""`python -m coursekit reset 05`: the exercise as it was given; a dated copy of yours is kept."""

import argparse
from pathlib import Path

from coursekit import mine
from coursekit.checks.record import load
from coursekit.files import write_whole
from coursekit.student.given import exercise
from coursekit.student.work import find, short


def run(options: argparse.Namespace) -> int:
    """Keep a copy, then write the exercise anew."""
    path = find(options.exercise).with_suffix(".ipynb")
    if kept := reset(path):
        print(f"kept: {short(kept)}")
    print(f"{path} is as it was given. Close it in JupyterLab and open it again.")
    return 0


def reset(path: Path) -> Path | None:
    """Write the notebook anew; returns the copy of what was there, if anything was."""
    record = load(path.stem, path.parent)
    if record is None:
        raise ValueError(f"{path.stem} is no exercise set of this course; give a number such as 05")
    kept = mine.keep(path, mine.home(path.parent)) if path.exists() else None
    write_whole(path, exercise(record))
    return kept
