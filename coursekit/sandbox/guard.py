"""Watch a process and all that it starts, and end them together.

The guard is trusted and stays outside. It ends the tree when the process itself ends, when nobody
wants it any more, and when it exceeds its limits. It returns the reason.
"""

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator

import psutil

from coursekit.sandbox.limits import Limits

LOOK_EVERY = 0.2  # seconds
IN_ALL = "s in all"  # ends the reason if the time of the whole process was over


def watch(pid: int, limits: Limits, wanted: Callable[[], bool], folders: Iterable[str]) -> str:
    """Wait for the process, which writes to these folders; then end its tree.

    Returns how it ended, in words.
    """
    until = time.monotonic() + limits.submission
    why = ""
    with _waiter(pid) as ended:
        while not why and not ended(LOOK_EVERY):
            if not wanted():
                why = "not wanted any more"
            elif time.monotonic() > until:
                why = f"took longer than {limits.submission:g} {IN_ALL}"
            else:
                why = _excess(pid, limits, folders)
    status = end(pid)
    return why or status


def end(pid: int) -> str:
    """Kill a child of this process and all its descendants; returns how it ended, in words."""
    if sys.platform.startswith("linux"):  # at once: what it leaves comes to us (`subreaper`)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    before = _tree(pid)
    for process in before:
        with contextlib.suppress(psutil.Error):
            process.kill()
    status = _reaped(pid)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        left = [
            process
            for process in {*before, *_orphans()}
            if process.is_running()
            and _status(process) != psutil.STATUS_ZOMBIE
            and process.pid != os.getpid()
        ]
        if not left:
            break
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        _reap_others()
        time.sleep(0.005)
    return status


def subreaper() -> None:
    """Make this process the parent of what its descendants leave behind (Linux)."""
    from coursekit.sandbox import libc

    libc.prctl(libc.PR_SET_CHILD_SUBREAPER, 1)


def _excess(pid: int, limits: Limits, folders: Iterable[str]) -> str:
    tree = _tree(pid)
    if len(tree) > limits.processes:
        return f"started more than {limits.processes} processes"
    if _memory(tree, limits.memory) > limits.memory:
        return f"used more than {limits.memory / 2**30:g} GB of memory"
    if sum(_size(folder, limits.disk) for folder in folders) > limits.disk:
        return f"wrote more than {limits.disk / 2**20:g} MB"
    return ""


def _tree(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def _orphans() -> list[psutil.Process]:
    """Return the processes that were left to this one as the nearest reaper."""
    try:
        return psutil.Process().children(recursive=True)
    except psutil.Error:
        return []


def _status(process: psutil.Process) -> str:
    try:
        return process.status()
    except psutil.Error:
        return psutil.STATUS_ZOMBIE


def _memory(tree: list[psutil.Process], enough: int) -> int:
    """Return the bytes in use; near the limit, memory shared by forks counts once (Linux)."""

    def total(measure: Callable[[psutil.Process], int]) -> int:
        size = 0
        for process in tree:
            with contextlib.suppress(psutil.Error, AttributeError, OSError):
                size += measure(process)
        return size

    rough = total(lambda process: process.memory_info().rss)
    return rough if rough <= enough else total(lambda process: process.memory_full_info().pss)


def _size(folder: str, enough: int) -> int:
    size = 0
    for where, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                size += os.lstat(os.path.join(where, name)).st_blocks * 512
        if size > enough:
            break
    return size


@contextlib.contextmanager
def _waiter(pid: int) -> Iterator[Callable[[float], bool]]:
    """Yield a function that waits for some seconds at most; True if the process has ended."""
    if hasattr(os, "pidfd_open"):
        handle = os.pidfd_open(pid)
        try:
            yield lambda seconds: bool(select.select([handle], [], [], seconds)[0])
        finally:
            os.close(handle)
        return
    process = psutil.Process(pid)

    def ended(seconds: float) -> bool:
        try:
            process.wait(seconds)
        except psutil.TimeoutExpired:
            return False
        return True

    yield ended


def _reaped(pid: int) -> str:
    try:
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    except ChildProcessError:
        return "ended"
    number = -code if code < 0 else code - 128  # as a shell, and what is first in a namespace, does
    with contextlib.suppress(ValueError):
        return f"ended by the signal {signal.Signals(number).name}"
    return f"ended with status {code}"


def _reap_others() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
