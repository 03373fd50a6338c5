"""The sets that submissions are graded against: from the course, or from a private folder."""

import hashlib
import json
from pathlib import Path

from coursekit.grader import pristine
from coursekit.grader.pristine import Pristine
from coursekit.report.model import Session


def load(folder: Path, number: str | None) -> dict[str, Pristine]:
    """Read all sets of a folder of solutions by name, or the one with this number.

    Raises:
        ValueError: one sentence, if there is none, or one is malformed.
    """
    if not folder.is_dir():
        raise ValueError(
            f"there is no folder {folder} with solutions; call this in the course's "
            "folder, or name yours with --sets"
        )
    if number is None:
        wanted = "[0-9][0-9]_*.py"
    else:
        wanted = f"{int(number):02}_*.py" if number.isdigit() else f"{number}.py"
    paths = sorted(folder.glob(wanted))
    if not paths:
        have = ", ".join(path.stem[:2] for path in sorted(folder.glob("[0-9][0-9]_*.py")))
        raise ValueError(f"{folder} has no set {number or ''}; it has {have or 'none'}")
    return {path.stem: pristine.read(path) for path in paths}


def session_key(exercises: Pristine, session: Session) -> str:
    """Return a key for all that a result depends on besides the submission.

    It covers the set's source and answers, the seed and the versions. If it changes, `--resume`
    grades the submission anew.
    """
    source = exercises.exercises.path
    parts = [
        source.read_bytes(),
        source.with_suffix(".toml").read_bytes(),
        f"{session.seed} {json.dumps(dict(session.versions))}".encode(),
    ]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]
