"""`python -m coursekit progress`: how far a student has come, set by set."""

from pathlib import Path

from coursekit import mine

BAR = 20


def run(options) -> int:
    """Print one line a set, and the sum."""
    print(report(options.folder or home()))
    return 0


def home() -> Path:
    """The folder with the exercises: here, or below."""
    return Path("exercises") if Path("exercises").is_dir() else Path()


def report(folder: Path) -> str:
    """The table. Raises ValueError where there are no exercises."""
    names = sorted(path.stem for path in folder.glob("[0-9][0-9]_*.ipynb"))
    if not names:
        raise ValueError(f"no exercises in {folder.resolve()}; go to the root of the course")
    every, rows = mine.read(folder / mine.FOLDER), []
    for name in names:
        found = every.get(name)
        if found is None:
            rows.append(f"{name:28} not checked yet")
            continue
        bar = "#" * (BAR * found["points"] // max(1, found["of"]))
        done = sum(task["points"] == task["of"] for task in found["tasks"].values())
        rows.append(
            f"{name:28} {bar:.<{BAR}} {found['points']:3} of {found['of']:3}, {done} of "
            f"{len(found['tasks'])} tasks, checked {found['when']}"
        )
    total = sum(every[name]["points"] for name in names if name in every)
    return "\n".join([*rows, f"{'all sets':28} {total} points"])
