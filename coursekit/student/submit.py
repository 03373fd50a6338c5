"""`python -m coursekit submit 05`: one file to hand in, after a look at whether all is in it."""

import zipfile
from datetime import datetime
from pathlib import Path

from coursekit.student.check import saved
from coursekit.student.notebook import Submission, find, read


def run(options) -> int:
    """Bundle the notebook; the status is 1, and nothing is written, if something is amiss."""
    submission = read(find(options.exercise))
    missing, newer = submission.missing(), newer_twin(submission)
    if newer:
        print(
            f"{newer} was saved after {submission.path} and has other answers: which is meant? "
            "Open the notebook, look, and save it; then submit again."
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
        f"{saved(submission)}; if you have changed it since, save and submit again."
    )
    return 0


def newer_twin(submission: Submission) -> Path | None:
    """The percent file beside a notebook, if it was saved later with other answers in it."""
    twin = submission.path.with_suffix(".py" if submission.path.suffix == ".ipynb" else ".ipynb")
    if not twin.exists() or twin.stat().st_mtime <= submission.path.stat().st_mtime:
        return None
    other = read(twin)
    written = [task for task in other.record.tasks if not other.unwritten(task)]
    differ = any(_text(other, task) != _text(submission, task) for task in written)
    return twin if differ else None


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
