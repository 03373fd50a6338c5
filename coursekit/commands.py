"""The commands of `python -m coursekit`: where each one lives, its purpose, and its arguments.

All arguments are declared here and not beside the code that runs, because that code imports
notebooks and networks: a mistyped argument or `--help` should be answered at once. To add a
command, add a line to `COMMANDS` whose module has `run(options) -> exit status`.
"""

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from coursekit.sandbox.levels import LEVELS
from coursekit.sandbox.limits import Limits

EXERCISE = "its number, such as 05, or the path of a notebook"


@dataclass(frozen=True)
class Command:
    """One command: its module, its purpose in a line, and the function that adds its arguments."""

    module: str
    purpose: str
    arguments: Callable[[argparse.ArgumentParser], None]


def _none(parser: argparse.ArgumentParser) -> None:
    pass


def _exercise(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("exercise", help=EXERCISE)


def _update(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("number", nargs="?", help="such as 05 (default: all that has changed)")


def _lab(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--root",
        type=Path,
        metavar="FOLDER",
        help="the folder that JupyterLab shows (default: work; authors give .)",
    )
    parser.add_argument(
        "options", nargs="*", help="JupyterLab's own options, behind --, such as -- --port 8899"
    )


def _submit(parser: argparse.ArgumentParser) -> None:
    _exercise(parser)
    parser.add_argument("--partly", action="store_true", help="hand in though answers are missing")


def _build(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sources", nargs="*", type=Path, help="percent files (default: all)")
    parser.add_argument("--check", action="store_true", help="write nothing, name what differs")
    parser.add_argument("--force", action="store_true", help="execute even if no code changed")


def _mutants(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sets", nargs="*", help="numbers such as 05 (default: all sets)")
    parser.add_argument("--seed", type=int, default=0, help="of the checks' inputs (default: 0)")


def _grade(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "submissions",
        type=Path,
        help="a folder: of students' folders, flat files, zips, or what Moodle or Canvas export",
    )
    parser.add_argument("--out", type=Path, required=True, help="the folder for grades and pages")
    parser.add_argument("--set", help="grade this set only, such as 05")
    parser.add_argument(
        "--sets",
        type=Path,
        default=Path("solutions"),
        help="a folder with the solutions to grade by (default: solutions)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        help="of all inputs of the checks (default: drawn, and kept in DIR for later runs)",
    )
    parser.add_argument(
        "--jobs",
        type=int,
        default=os.cpu_count() or 1,
        help="submissions at a time (default: the cores of this machine)",
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=Limits.line,
        help="for one call of an answer; a cell has 3 times, a submission 30 times "
        "as long (default: %(default)g)",
    )
    again = parser.add_mutually_exclusive_group()
    again.add_argument(
        "--resume",
        action="store_true",
        help="grade what is new or changed, and write all pages anew",
    )
    again.add_argument(
        "--regrade", action="store_true", help="grade all anew, and say whose points moved and why"
    )
    parser.add_argument(
        "--deadlines", type=Path, help="a CSV (set, deadline[, student]): days late are shown"
    )
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="grade on the workers of a Dask scheduler, such as tcp://host:8786",
    )
    parser.add_argument(
        "--isolation",
        choices=LEVELS,
        help="how kernels are shut in (default: the best that works here)",
    )
    parser.add_argument(
        "--unsafe", action="store_true", help="grade even where kernels cannot be shut in"
    )


COMMANDS = {
    "doctor": Command("coursekit.doctor", "say what this machine lacks, and how to fix it", _none),
    "lab": Command("coursekit.student.lab", "open your lessons and exercises in JupyterLab", _lab),
    "open": Command("coursekit.student.open", "make or refresh your copies in work/", _none),
    "check": Command(
        "coursekit.student.check", "check your answers to an exercise set, with hints", _exercise
    ),
    "progress": Command(
        "coursekit.student.progress", "show your points in all exercise sets", _none
    ),
    "submit": Command("coursekit.student.submit", "bundle an exercise set to hand in", _submit),
    "reset": Command(
        "coursekit.student.reset", "begin an exercise set anew; a copy of yours is kept", _exercise
    ),
    "update": Command(
        "coursekit.student.update", "bring a changed lesson or exercise, with your answers", _update
    ),
    "grade": Command("coursekit.grader.grade", "grade a folder of submissions", _grade),
    "build": Command(
        "coursekit.source.build", "make and execute the notebooks from their sources", _build
    ),
    "mutants": Command(
        "coursekit.source.mutants", "count the wrong answers that the checks catch", _mutants
    ),
}
