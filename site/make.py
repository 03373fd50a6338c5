"""Build the site: `make site`, or `.venv/bin/python site/make.py`.

Sphinx and its theme get an environment of their own, `.venv-site`, which sees that of the course;
students never install it. Then the pages are made, turned into HTML and read by `checker`; a
warning of Sphinx or a fault on a page fails the build.
"""

import hashlib
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from time import perf_counter

import checker
from pages.tree import sources, stems

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
BUILD = HERE / "_build"
SOURCE, EXTRA, HTML = BUILD / "source", BUILD / "extra", BUILD / "html"
VENV = ROOT / ".venv-site"
PYTHON = VENV / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
LOCK = HERE / "requirements.lock"
COPIED = ("course", "exercises")
"""Folders whose notebooks can be downloaded as they are."""


class Trouble(Exception):
    """What went wrong, in one sentence."""


def environment() -> None:
    """Make `.venv-site` from the lock, unless it is there already."""
    wanted = hashlib.sha256(LOCK.read_bytes() + str(ROOT).encode()).hexdigest()
    stamp = VENV / ".installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print("Installing what the site is built with, once", flush=True)
    venv.create(VENV, clear=True, with_pip=True)
    packages = sysconfig.get_path("purelib", vars={"base": str(VENV)})
    course = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    Path(packages, "course.pth").write_text("\n".join([*course, str(ROOT)]) + "\n")
    log = VENV / "install.log"
    pip = [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    with open(log, "w") as said:
        done = subprocess.run(
            [*pip, "--require-hashes", "--no-deps", "-r", LOCK], stdout=said, stderr=said
        )
    if done.returncode:
        raise Trouble(
            "Sphinx could not be installed: the reason stands at the end of "
            f"{log.relative_to(ROOT)}, most often a missing network; mend it, then run make again."
        )
    stamp.write_text(wanted)


def write_sources() -> list[str]:
    """Write the folder that Sphinx reads and the notebooks to download; returns the pages."""
    shutil.rmtree(BUILD, ignore_errors=True)  # a page that is gone must not stay
    made = sources(ROOT)
    for page, text in made.items():
        path = SOURCE / page
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for folder in COPIED:
        (EXTRA / "notebooks" / folder).mkdir(parents=True)
        for name in stems(ROOT / folder):
            shutil.copy(ROOT / folder / f"{name}.ipynb", EXTRA / "notebooks" / folder)
    return list(made)


def render() -> None:
    """Turn the pages into HTML; any warning is a failure."""
    sphinx = [PYTHON, "-m", "sphinx", "-q", "-W", "--keep-going", "-E", "-j", "auto", "-b", "html"]
    done = subprocess.run([*sphinx, "-c", HERE, "-d", BUILD / "doctrees", SOURCE, HTML])
    if done.returncode:
        raise Trouble("Sphinx warned of what stands above, so the site was not built.")


def main() -> int:
    """Build and check; returns the exit status."""
    start = perf_counter()
    try:
        environment()
        pages = write_sources()
        render()
    except (Trouble, ValueError) as trouble:
        print(f"site: {trouble}", file=sys.stderr)
        return 1
    expected = [Path(page).with_suffix(".html").as_posix() for page in pages]
    faults = checker.faults(HTML, expected, private=(str(ROOT), str(Path.home())))
    print("\n".join(faults), file=sys.stderr, end="\n" if faults else "")
    if faults:
        print(f"site: {len(faults)} faults, so the site must not be published", file=sys.stderr)
        return 1
    print(
        f"site: {len(expected)} pages in {perf_counter() - start:.0f} s: "
        f"{(HTML / 'index.html').relative_to(ROOT)}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
