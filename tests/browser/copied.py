"""A copy of the working tree that can be worked in: nobody's checkout is dirtied."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STAMP = "import setup_env as s; s.write(s.STAMP, s.wanted(s.LOCK, ''))"


def course_copy(folder: Path) -> Path:
    """Copy what git would keep, in git's order, and give it an environment; returns the folder.

    The environment borrows the packages of the checkout's own, where installing takes minutes and
    6 GB, and imports `resattn` from the copy. `make` finds its stamp, and installs nothing.
    """
    kept = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in sorted(filter(None, kept.split("\0"))):
        if (ROOT / name).is_file():  # a deletion may not be committed yet
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    ours, theirs = ROOT / ".venv", folder / ".venv"
    subprocess.run([ours / "bin/python", "-m", "venv", "--without-pip", theirs], check=True)
    (packages,) = theirs.glob("lib/python*/site-packages")
    lent = ours / packages.relative_to(theirs)
    (packages / "lent.pth").write_text(f"{folder}\n{lent}\n")
    for part in ("share", "etc"):  # JupyterLab itself, its extensions and kernels
        (theirs / part).symlink_to(ours / part)
    subprocess.run([theirs / "bin/python", "-c", STAMP], cwd=folder, check=True)
    own = ["-c", "user.name=tests", "-c", "user.email=tests@localhost"]
    for words in (["init", "-q"], ["add", "-A"], [*own, "commit", "-qm", "The course"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder


def changed(folder: Path) -> str:
    """Return what git calls changed in a copy: nothing, whatever a student does."""
    return subprocess.run(
        ["git", "status", "--porcelain"], cwd=folder, check=True, capture_output=True, text=True
    ).stdout
