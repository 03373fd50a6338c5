"""Isolate a process by Linux namespaces: its own files, processes, network and names.

The process sees the given folders (read-only), an empty /tmp in memory, its own processes, and no
network. Root switches to an unused uid; plain users need a system that lets them make user
namespaces. The steps are those of bubblewrap, applied to a process that was forked with torch
loaded, which bubblewrap cannot do.
"""

import contextlib
import ctypes
import os
import resource
import signal
from pathlib import Path

from coursekit.sandbox import libc

_USER, _MOUNT, _PID, _NET, _IPC, _UTS = (
    0x10000000,
    0x00020000,
    0x20000000,
    0x40000000,
    0x08000000,
    0x04000000,
)
_READ_ONLY, _NOSUID, _NODEV, _REMOUNT, _BIND, _REC, _PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
_DETACH = 2
_KEPT = 2 | 4 | 8 | 1024 | 2048  # mount flags that must stay as they are: nosuid to nodiratime
_DEVICES = ("null", "zero", "full", "random", "urandom")
MOST = 512  # processes and threads per namespace; the kernel takes no less than 301
ME = 1000  # the user and group that a plain user's process sees itself as
NOBODY = 1_000_000_000  # root's processes switch to unused uids from here on, one per process
TASKS = 256  # processes and threads: enforced by the system, but never for root


def enter(read: list[str], write: list[str], disk: int, root: str) -> None:
    """Move this process, which must have one thread, and its children into new namespaces.

    It continues as a child of the first process there, so that all end with that one. ``root`` is
    an empty folder for the new file system. Raises OSError where the system does not allow it.
    """
    other = _leave()
    for path in write if other else ():
        for part in (path, *(os.path.join(path, name) for name in os.listdir(path))):
            os.chown(part, other, other)
    _become_child()  # of the new process namespace: its first process
    libc.prctl(libc.PR_SET_PDEATHSIG, signal.SIGKILL)
    _mount(None, "/", None, _REC | _PRIVATE)
    _mount("tmpfs", root, "tmpfs", _NOSUID | _NODEV, f"size={disk},mode=0755")
    for path in read:
        _show(path, root, writable=False)
    for path in ("/dev", "/proc", "/tmp"):
        os.makedirs(root + path, exist_ok=True)
    for name in _DEVICES:
        _show(f"/dev/{name}", root, writable=True)
    os.makedirs(root + "/dev/shm")
    for path in ("/dev/shm", "/tmp"):
        os.chmod(root + path, 0o1777)
    for path in write:
        _show(path, root, writable=True)
    with contextlib.suppress(OSError):  # in a container that hides parts of its own /proc: none
        _mount("proc", root + "/proc", "proc", _NOSUID | _NODEV)
    with contextlib.suppress(OSError):  # from Linux 6.14: a fork bomb ends by itself
        Path(root + "/proc/sys/kernel/pid_max").write_text(str(MOST))
    os.chdir(root)
    os.mkdir("old")
    libc.call("pivot_root", ".", "old")
    os.chdir("/")
    libc.call("umount2", "/old", _DETACH)
    os.rmdir("/old")
    if other:
        os.setgroups([])
        os.setresgid(other, other, other)
        os.setresuid(other, other, other)
        libc.prctl(libc.PR_SET_DUMPABLE, 1)  # or it could not read its own /proc/self
        libc.prctl(libc.PR_SET_PDEATHSIG, signal.SIGKILL)  # lost with the old user
    _drop_capabilities()
    resource.setrlimit(resource.RLIMIT_NPROC, (TASKS, TASKS))
    _become_child()


def _leave() -> int:
    """Leave the old namespaces; returns the uid to switch to, or 0 to keep the own."""
    user, group, apart = os.geteuid(), os.getegid(), _MOUNT | _PID | _NET | _IPC | _UTS
    if user == 0:
        with contextlib.suppress(OSError):  # a container's root may not be allowed to
            libc.call("unshare", apart)
            return NOBODY + os.getpid()
    libc.call("unshare", apart | _USER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{ME} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{ME} {group} 1")
    return 0


def _become_child() -> None:
    """Fork and continue in the child; the parent reaps orphans, and ends as the child does."""
    child = os.fork()
    if not child:
        return
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            if code < 0 and -code != signal.SIGKILL:
                signal.signal(-code, signal.SIG_DFL)
                os.kill(os.getpid(), -code)  # the first process of a namespace may survive this
            os._exit(code if code >= 0 else 128 - code)


def _show(path: str, root: str, *, writable: bool) -> None:
    """Make a file or folder visible under the new root, at its own path."""
    target = root + path
    if os.path.lexists(target):
        return  # a folder above it is shown already
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.islink(path):
        os.symlink(os.readlink(path), target)
        return
    if os.path.isdir(path):
        os.mkdir(target)
    else:
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o600))
    _mount(path, target, None, _BIND | _REC)
    if not writable:
        kept = os.statvfs(target).f_flag & _KEPT
        _mount(None, target, None, _BIND | _REMOUNT | _READ_ONLY | _NOSUID | kept)


def _mount(source: str | None, target: str, kind: str | None, flags: int, data: str = "") -> None:
    libc.call("mount", source, target, kind, ctypes.c_ulong(flags), data or None)


def _drop_capabilities() -> None:
    libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3, this process
    libc.call("capset", header, (ctypes.c_uint32 * 6)())
