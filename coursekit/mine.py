"""The student's own folder, `exercises/mine/`: progress, and dated copies of what was replaced.

Nothing in it belongs to the course or leaves the machine. `python -m coursekit progress` shows it.
"""

import json
import shutil
from datetime import datetime
from pathlib import Path

from coursekit.files import write_whole

FOLDER = Path("mine")


def read(folder: Path = FOLDER) -> dict:
    """Progress by set, as `python -m coursekit check` left it; empty if there is none."""
    try:
        return json.loads((folder / "progress.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def write(name: str, result: dict, folder: Path) -> None:
    """Replace the progress of one set."""
    text = json.dumps(read(folder) | {name: result}, indent=1) + "\n"
    write_whole(folder / "progress.json", text)


def standing(name: str) -> str:
    """One sentence for the top of a set: how far its student has come."""
    every, number = read() or read("exercises" / FOLDER), name[:2]
    if name not in every:
        return f"Set {number}: not checked yet. `python -m coursekit check {number}` counts points."
    points, of = every[name]["points"], every[name]["of"]
    total = sum(each["points"] for each in every.values())
    return (
        f"Set {number}: {points} of {of} points when last checked, {every[name]['when']}; "
        f"{total} points in all sets so far."
    )


def keep(path: Path) -> Path:
    """Copy an exercise to `mine/kept` beside it, under today's date and time; returns the copy."""
    folder = path.parent / FOLDER / "kept"
    folder.mkdir(parents=True, exist_ok=True)
    stamp = datetime.now().strftime("%Y-%m-%d-%H%M%S-%f")
    return Path(shutil.copy2(path, folder / f"{path.stem}-{stamp}{path.suffix}"))
