"""`python -m coursekit update 05`: the course's new text, with what a student wrote in it.

The old file is kept under today's date, and the cells that are new or changed are named.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

from coursekit import mine
from coursekit.checks.record import load
from coursekit.files import write_bytes
from coursekit.student.given import Ledger, given_files, prints
from coursekit.student.merge import merged
from coursekit.student.work import refresh, root_here


@dataclass(frozen=True)
class Updated:
    """One copy that was brought up to date: where the old file is, and which cells are new."""

    name: str
    kept: Path
    news: tuple[str, ...]

    def __str__(self) -> str:
        news = f"; new or changed: {', '.join(self.news)}" if self.news else ""
        return f"{mine.WORK}/{self.name} is up to date{news}\nyour old file is kept as {self.kept}"


def run(options: argparse.Namespace) -> int:
    """Update the lesson and the exercise of a number, or all that changed; says what is new."""
    root = root_here()
    done = refresh(root)
    wanted = options.number and f"{options.number:>02}"
    names = [name for name in done.changed if not wanted or Path(name).name.startswith(wanted)]
    for line in [*done.notes, *(str(update(root, name)) for name in names)]:
        print(line)
    if not names:
        print(f"{wanted or 'Everything'} is up to date already")
    elif any(name.endswith(".ipynb") for name in names):
        print("Close it in JupyterLab and open it again.")
    return 0


def update(root: Path, name: str) -> Updated:
    """Bring one copy up to date; the old file is kept first."""
    work = root / mine.WORK
    ledger, target = Ledger.read(work / mine.MINE), work / name
    data = dict(given_files(root))[name]
    base, new = ledger.files[name], prints(data, name)
    kept = mine.keep(target, work / mine.MINE)
    if name.endswith(".ipynb"):
        record = load(target.stem, target.parent) if name.startswith("exercises/") else None
        data = merged(target.read_bytes(), base, data, record).encode()
    write_bytes(target, data)
    ledger.files[name] = new
    ledger.write(work / mine.MINE)
    news = [cell for cell, text in new.cells.items() if base.cells.get(cell) != text and cell]
    return Updated(name, kept.relative_to(root), tuple(news))
