"""`python -m coursekit submit 05`: one file to hand in, after a look at whether all is in it."""

import argparse
import zipfile
from datetime import datetime
from pathlib import Path

from coursekit.student.check import saved
from coursekit.student.notebook import Submission, read
from coursekit.student.work import find


def run(options: argparse.Namespace) -> int:
    """Bundle the notebook; the status is 1, and nothing is written, if something is amiss."""
    submission = read(find(options.exercise))
    missing, other = submission.missing(), twin(submission)
    if other and options.exercise.isdigit():
        print(
            f"{other} has other answers than {submission.path}: which is meant? "
            f"Call `python -m coursekit submit` with the path of one of them."
        )
        return 1
    if missing:
        print(f"not written yet: {', '.join(missing)}")
        if not options.partly:
            print("Nothing was bundled. To hand in what there is, add --partly.")
            return 1
    target = bundle(submission)
    print(
        f"{target} is ready to hand in. It holds {submission.path.name} as saved "
        f"{saved(submission.path)}; if you have changed it since, save and submit again."
    )
    return 0


def twin(submission: Submission) -> Path | None:
    """Return the file of the same name and another kind beside it, if it has other answers."""
    path = submission.path.with_suffix(".py" if submission.path.suffix == ".ipynb" else ".ipynb")
    if not path.exists():
        return None
    other = read(path)
    written = [task for task in other.record.tasks if not other.unwritten(task)]
    return path if any(_text(other, task) != _text(submission, task) for task in written) else None


def _text(submission: Submission, task: str) -> list[str]:
    return [source.strip() for source in submission.answer(task)]


def bundle(submission: Submission) -> Path:
    """Zip the notebook into the student's own folder, under today's date; returns the file."""
    folder = submission.home / "hand_in"
    folder.mkdir(parents=True, exist_ok=True)
    stamp = datetime.now().strftime("%Y-%m-%d-%H%M%S")
    target = folder / f"{submission.name}-{stamp}.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(submission.path, submission.path.name)
    return target
