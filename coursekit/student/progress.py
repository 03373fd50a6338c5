"""`python -m coursekit progress`: how far a student has come, set by set."""

import argparse
import sys

from coursekit import mine
from coursekit.course import RECORDS
from coursekit.student.work import root_here
from coursekit.terminal import paint

BAR = 20


def run(options: argparse.Namespace) -> int:
    """Print one line per set, and the sum."""
    root = root_here()
    names = sorted(path.stem for path in (root / RECORDS).glob("[0-9][0-9]_*.json"))
    every, total = mine.read(mine.home(root)), 0
    for name in names:
        found = every.get(name)
        if found is None:
            print(f"{name:28} {paint('not checked yet', 'grey', sys.stdout)}")
            continue
        done = sum(task["points"] == task["of"] for task in found["tasks"].values())
        bar = "#" * (BAR * found["points"] // max(1, found["of"]))
        whole = found["points"] == found["of"]
        print(
            f"{name:28} {paint(f'{bar:.<{BAR}}', 'green' if whole else 'yellow', sys.stdout)} "
            f"{found['points']:3} of {found['of']:3}, {done} of {len(found['tasks'])} tasks, "
            f"checked {found['when']}"
        )
        total += found["points"]
    print(f"{'all sets':28} {total} points")
    return 0
