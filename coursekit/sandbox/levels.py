"""Levels of isolation for a kernel, from the best to the least, and which of them work here.

`namespaces` gives a forked kernel its own files, processes and network. `bubblewrap` does this
through the program `bwrap`, where the system trusts only that; it is slower, because each kernel
imports torch anew. `landlock` closes files and network, but other processes are visible. `plain`
only sets limits: a student's code can read all that the grader can read, so it needs `--unsafe`.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from coursekit.sandbox.limits import Limits, restrict

ENGINE = Path(__file__).resolve().parents[1]

SAYS = {
    "namespaces": "each kernel sees only its own files and processes, and no network",
    "bubblewrap": "each kernel sees only its own files and processes, and no network; started by "
    "bwrap",
    "landlock": "each kernel can open only its own files, and no network; it can see that other "
    "processes run",
    "plain": "NOT SAFE: limits on time, memory and processes only; a student's code can read and "
    "change what the grader's user can",
}
LEVELS = tuple(SAYS)
_SYSTEM = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/alternatives",
    "/etc/fonts",
    "/etc/localtime",
)
_PACKAGES = ("site-packages", "dist-packages")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


def system(hidden: Iterable[Path] = (ENGINE,)) -> list[str]:
    """Return the files of the system and of this Python that every kernel reads.

    ``hidden`` are folders that stay invisible, wherever they are installed: those of the engine and
    of the package that the course teaches.
    """
    own = [sys.prefix, sys.base_prefix, os.path.dirname(os.path.realpath(sys.executable))]
    own += [path for path in sys.path if os.path.basename(path) in _PACKAGES]  # borrowed ones
    own += [os.path.realpath(path) for path in own]  # where they are links
    paths = [*_SYSTEM, *dict.fromkeys(own)]
    for folder in hidden:
        paths = [part for path in paths for part in _without(path, str(folder))]
    return [path for path in paths if os.path.lexists(path)]


def _without(path: str, hidden: str) -> list[str]:
    """Return a folder; if it contains the hidden one, its parts without that."""
    if path == hidden:
        return []
    if os.path.islink(path) or not hidden.startswith(path.rstrip("/") + "/"):
        return [path]
    return [
        part
        for entry in sorted(os.listdir(path))
        for part in _without(os.path.join(path, entry), hidden)
    ]


def best() -> str:
    """Return the best level that works here, by trying each."""
    return next(level for level in LEVELS if works(level))


def works(level: str) -> bool:
    """Return True if a process can be isolated at this level on this machine."""
    if level == "plain":
        return True
    if not sys.platform.startswith("linux"):
        return False
    if level == "bubblewrap":
        command = bubblewrap(["/"], [], 2**20, ["true"])
        return (
            bool(shutil.which("bwrap"))
            and subprocess.run(command, capture_output=True).returncode == 0
        )
    trial = subprocess.run([sys.executable, "-m", __name__, level], capture_output=True)
    return trial.returncode == 0


def _try(level: str) -> int:
    """Isolate a process of its own; returns 0 if it can no longer read this file."""
    with tempfile.TemporaryDirectory() as root:
        child = os.fork()
        if child == 0:
            with contextlib.suppress(BaseException):
                shut_in(level, system(), [], Limits(), root)
                os._exit(int(_seen(__file__)))
            os._exit(2)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _seen(path: str) -> bool:
    try:
        with open(path):
            return True
    except OSError:
        return False


def shut_in(level: str, read: list[str], write: list[str], limits: Limits, root: str) -> None:
    """Isolate this process. Raises OSError where the machine cannot."""
    if level == "namespaces":
        from coursekit.sandbox import namespaces

        namespaces.enter(read, write, limits.disk, root)
    restrict(limits)
    if level == "landlock":
        from coursekit.sandbox import landlock, seccomp

        own = f"/proc/{os.getpid()}"
        landlock.confine(
            [*(path for path in read if os.path.exists(path)), own], [*write, *_DEVICES]
        )
        seccomp.only_socket_files()


def bubblewrap(read: list[str], write: list[str], disk: int, command: list[str]) -> list[str]:
    """Return the command line that runs ``command`` in bubblewrap, with ``disk`` bytes of /tmp."""
    shown: list[str] = []
    for path in read:
        if os.path.islink(path):
            shown += ["--symlink", os.readlink(path), path]
        else:
            shown += ["--ro-bind", path, path]
    for path in write:
        shown += ["--bind", path, path]
    memory = ["--size", str(disk), "--tmpfs"]
    return [
        "bwrap",
        "--unshare-all",
        "--die-with-parent",
        "--new-session",
        "--dev",
        "/dev",
        *memory,
        "/dev/shm",
        "--remount-ro",
        "/dev",
        "--proc",
        "/proc",
        *memory,
        "/tmp",
        *shown,
        "--remount-ro",
        "/",
        "--",
        *command,
    ]


if __name__ == "__main__":
    sys.exit(_try(sys.argv[1]))
