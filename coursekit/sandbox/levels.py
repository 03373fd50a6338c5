"""How well this machine can shut a kernel in, from the best to the least.

`namespaces`: own files, processes and network, applied to a forked kernel. `bubblewrap`: the same
by the program `bwrap`, where the system trusts that one only; slower, as each kernel imports torch
anew. `landlock`: files and network are closed, but other processes can be seen. `plain`: limits,
and folders of its own; a student's code can read what the grader can. It needs `--unsafe`.
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
    """The files of the system and of this Python that every kernel reads.

    ``hidden`` are folders that stay unseen, wherever they are installed: those of the engine and
    of the package that the course teaches.
    """
    own = [sys.prefix, sys.base_prefix, os.path.dirname(os.path.realpath(sys.executable))]
    own += [path for path in sys.path if os.path.basename(path) in _PACKAGES]  # borrowed ones
    own += [os.path.realpath(path) for path in own]  # where they are links
    paths = [*_SYSTEM, *dict.fromkeys(own)]
    for folder in hidden:
        paths = [each for path in paths for each in _without(path, str(folder))]
    return [path for path in paths if os.path.lexists(path)]


def _without(path: str, hidden: str) -> list[str]:
    """A folder, or what is in it, without what is to stay unseen."""
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
    """The best level that works here, tried out and not guessed."""
    return next(level for level in LEVELS if works(level))


def works(level: str) -> bool:
    """Whether a process can be shut in so on this machine."""
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
    """In a process of its own: shut it in, and see that this file cannot be read any more."""
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
    """Shut this process in. Raises OSError where the machine cannot."""
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
    """The command line that runs a command at the level of that name, with so large a /tmp."""
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
