"""A student's working folder, `work/`: made by the first command, refreshed by every later one.

A copy that is still as it was given is replaced when the course has a new version of it. One that
somebody wrote in is never changed here: it is reported, and `update` brings the new text.
"""

import difflib
from dataclasses import dataclass, field
from pathlib import Path

from coursekit import mine
from coursekit.checks.record import load
from coursekit.course import RECORDS, course_root, no_course
from coursekit.files import write_bytes
from coursekit.student.given import Ledger, given_files, prints


@dataclass
class Refreshed:
    """What a refresh did, by the paths of the copies from `work/`."""

    made: list[str] = field(default_factory=list)
    renewed: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)  # upstream, and written in by the student
    notes: list[str] = field(default_factory=list)

    def said(self) -> list[str]:
        """Return a line for each thing that a student should know."""
        lines = [f"made: {len(self.made)} files in {mine.WORK}/"] if self.made else []
        lines += [f"new version: {mine.WORK}/{name}" for name in self.renewed]
        for name in self.changed:
            number = Path(name).name[:2]
            call = f"`python -m coursekit update {number}`" if number.isdigit() else "`update`"
            lines.append(
                f"{mine.WORK}/{name} has changed upstream: {call} brings the new text and keeps "
                "what you wrote"
            )
        return lines + self.notes


def refresh(root: Path) -> Refreshed:
    """Make what is missing in `work/`, renew what nobody touched, and report the rest.

    Raises:
        OSError: one sentence, if a file cannot be written; every file is then whole.
    """
    from coursekit.student.takeover import take_over

    work = root / mine.WORK
    ledger, done = Ledger.read(work / mine.MINE), Refreshed()
    before = (dict(ledger.files), dict(ledger.taken))
    done.notes += take_over(root, ledger)
    names = set()
    for name, data in given_files(root):
        names.add(name)
        _refresh(work, name, data, ledger, done)
    for name in sorted(set(ledger.files) - names):
        _withdraw(work, name, ledger, done)
    if (ledger.files, ledger.taken) != before:
        ledger.write(work / mine.MINE)
    return done


def _refresh(work: Path, name: str, data: bytes, ledger: Ledger, done: Refreshed) -> None:
    target, new, base = work / name, prints(data, name), ledger.files.get(name)
    if not target.exists():
        write_bytes(target, data)
        ledger.files[name] = new
        done.made.append(name)
        return
    have = prints(target.read_bytes(), name)
    if base is None or new == base or have.file == new.file:
        ledger.files[name] = base if base and new == base else new
    elif have.cells != base.cells:
        if new.cells != base.cells:
            done.changed.append(name)
        else:
            ledger.files[name] = new  # only stored outputs are new
    elif have.file == base.file or new.cells != base.cells:
        if have.file != base.file:  # it was run: its outputs are worth a copy
            mine.keep(target, work / mine.MINE)
        write_bytes(target, data)
        ledger.files[name] = new
        done.renewed.append(name)


def _withdraw(work: Path, name: str, ledger: Ledger, done: Refreshed) -> None:
    """Take back a copy that the course has no more, unless somebody wrote in it."""
    target, base = work / name, ledger.files.pop(name)
    if not target.exists():
        return
    have = prints(target.read_bytes(), name)
    if have.file == base.file:
        target.unlink()
    else:
        done.notes.append(f"{mine.WORK}/{name} is no longer in the course; your copy stays")


def root_here() -> Path:
    """Return the root of the course around the working directory.

    Raises:
        ValueError: one sentence, if there is none.
    """
    root = course_root()
    if root is None:
        raise no_course()
    return root


def find(exercise: str) -> Path:
    """Return the notebook that a number such as 05, a name or a path stands for.

    Raises:
        ValueError: one sentence, if it stands for none.
    """
    if not exercise.isdigit() and (Path(exercise).exists() or Path(exercise).suffix):
        return Path(exercise)
    lone = Path(RECORDS.name).is_dir() and course_root() is None  # a folder that was handed out
    folder = Path() if lone else root_here() / mine.WORK / "exercises"
    if not lone:
        for line in refresh(root_here()).said():
            print(line)
    names = sorted(path.stem for path in folder.glob("[0-9][0-9]_*.ipynb"))
    wanted = f"{int(exercise):02}_" if exercise.isdigit() else exercise
    found = [name for name in names if name.startswith(wanted)]
    found = [name for name in found if load(name, folder)] or found
    if len(found) != 1:
        close = difflib.get_close_matches(exercise, names, n=1)
        numbers = ", ".join(dict.fromkeys(name[:2] for name in names))
        raise ValueError(
            f"there is no exercise set {exercise!r}; "
            + (f"did you mean {close[0]!r}?" if close else f"the sets are {numbers or 'missing'}")
        )
    return short(folder / f"{found[0]}.ipynb")


def short(path: Path) -> Path:
    """Return a path as a person here would write it."""
    here = Path().resolve()
    return path.relative_to(here) if path.is_relative_to(here) else path
