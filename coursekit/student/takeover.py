"""Work from before there was `work/`: answers in the folder `exercises` itself, and its `mine`.

It is copied, never moved and never overwritten, and every copy is reported once.
"""

import shutil
from pathlib import Path

from coursekit import mine
from coursekit.checks.record import Record, load_all
from coursekit.files import write_bytes
from coursekit.student.given import Ledger, exercise, fingerprint, prints

OLD = "exercises"
RESTORE = "`git checkout exercises` restores the course's own file when you need the old no more"


def take_over(root: Path, ledger: Ledger) -> list[str]:
    """Copy old answers and progress into `work/`; returns a line for each copy."""
    notes = _own_files(root, ledger)
    for name, record in load_all(root).items():
        for path in (root / OLD / f"{name}.ipynb", root / OLD / f"{name}.py"):
            if path.is_file():
                notes += _answers(root, path, record, ledger)
    return notes


def _answers(root: Path, path: Path, record: Record, ledger: Ledger) -> list[str]:
    data, old = path.read_bytes(), path.relative_to(root).as_posix()
    given = prints(exercise(record).encode(), ".ipynb")
    as_given = prints(data, path.name).cells == given.cells
    if as_given or ledger.taken.get(old) == fingerprint(data) or not _written(path):
        return []
    ledger.taken[old] = fingerprint(data)
    name = f"exercises/{record.set}.ipynb"
    target = root / mine.WORK / name
    base = ledger.files.get(name, given)
    if target.exists() and prints(target.read_bytes(), name).cells != base.cells:
        if _texts(path) == _texts(target):
            return []
        copy = mine.keep(path, root / mine.WORK / mine.MINE).relative_to(root)
        return [f"{old} has other answers than {mine.WORK}/{name}: a copy is kept as {copy}"]
    if path.suffix == ".py":
        from coursekit.student.merge import merged

        data = merged(data, given, exercise(record).encode(), record).encode()
    write_bytes(target, data)
    ledger.files[name] = given
    return [f"{old} has answers of yours: they are now in {mine.WORK}/{name} too; {RESTORE}"]


def _written(path: Path) -> bool:
    """Return True if there is an answer or a word of the student's, or the file is damaged."""
    return any(_texts(path)) if _readable(path) else True


def _readable(path: Path) -> bool:
    from coursekit.student.notebook import read

    try:
        return bool(read(path))
    except ValueError:
        return False


def _texts(path: Path) -> list[str]:
    """Return the answers and words of a file that are not as they were given."""
    from coursekit.student.notebook import read

    if not _readable(path):
        return [path.read_bytes().hex()]
    found = read(path)
    tasks = found.record.tasks
    answers = ["\n".join(found.answer(task)) for task in tasks if not found.unwritten(task)]
    return [text.strip() for text in [*answers, *found.match.words.values()]]


def _own_files(root: Path, ledger: Ledger) -> list[str]:
    old, new = root / OLD / mine.MINE, root / mine.WORK / mine.MINE
    if OLD in ledger.taken or not old.is_dir():
        return []
    ledger.taken[OLD] = mine.MINE
    for path in sorted(old.rglob("*")):
        target = new / path.relative_to(old)
        if path.is_file() and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)
    return [f"your progress and kept copies of {OLD}/mine are now in {mine.WORK}/mine too"]
