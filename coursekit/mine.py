"""A student's own files, in the folder `work` of the course, which git ignores.

`work/course` and `work/exercises` are copies to work in. `work/mine` holds the progress, dated
copies of what was replaced, and what was bundled to hand in. Nothing of it leaves the machine.
"""

import json
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

from coursekit.course import course_root
from coursekit.files import write_whole

WORK = "work"
MINE = "mine"


def home(near: Path = Path()) -> Path:
    """Return the folder `mine` for a notebook that lies in a folder.

    It is that of the course around the folder, else around the working directory. Where there is
    no course at all, it lies beside the notebook.
    """
    root = course_root(near) or course_root()
    return root / WORK / MINE if root else near / MINE


def read(folder: Path) -> dict[str, Any]:
    """Return the progress by set, as `check` left it; empty if there is none."""
    try:
        found = json.loads((folder / "progress.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write(name: str, result: dict[str, Any], folder: Path) -> None:
    """Replace the progress of one set."""
    text = json.dumps(read(folder) | {name: result}, indent=1) + "\n"
    write_whole(folder / "progress.json", text)


def standing(name: str) -> str:
    """Return one sentence for the top of a set: how far its student has come."""
    every, number = read(home()), name[:2]
    if name not in every:
        return f"Set {number}: not checked yet. `python -m coursekit check {number}` counts points."
    points, of = every[name]["points"], every[name]["of"]
    total = sum(each["points"] for each in every.values())
    return (
        f"Set {number}: {points} of {of} points when last checked, {every[name]['when']}; "
        f"{total} points in all sets so far."
    )


def keep(path: Path, folder: Path) -> Path:
    """Copy a file into `kept` in a folder, under today's date and time; returns the copy."""
    kept = folder / "kept"
    kept.mkdir(parents=True, exist_ok=True)
    stamp = datetime.now().strftime("%Y-%m-%d-%H%M%S-%f")
    return Path(shutil.copy2(path, kept / f"{path.stem}-{stamp}{path.suffix}"))
