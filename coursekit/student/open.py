"""`python -m coursekit open`: lay the lessons and exercises out in `work/`, to be worked in."""

import argparse

from coursekit import mine
from coursekit.student.work import refresh, root_here


def run(options: argparse.Namespace) -> int:
    """Make or refresh the student's copies, and say what was done."""
    root = root_here()
    for line in refresh(root).said():
        print(line)
    print(f"Your copies are in {root / mine.WORK}; `python -m coursekit lab` opens them")
    return 0
