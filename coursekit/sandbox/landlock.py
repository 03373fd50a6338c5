"""Limit the files and processes that a process can reach, by Landlock (Linux 5.13 and later).

Unlike namespaces it needs no privilege. Other files are visible, but cannot be opened.
TCP is denied from Linux 6.7, signals to others and abstract sockets from 6.12; `seccomp` closes the
network for all of them.
"""

import ctypes
import os

from coursekit.sandbox import libc

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same on every processor
_EXECUTE, _WRITE, _READ_FILE, _READ_FOLDER, _TRUNCATE = 1, 2, 4, 8, 1 << 14
_FILE = _EXECUTE | _WRITE | _READ_FILE | _TRUNCATE  # what a rule for a plain file may allow
_READ = _EXECUTE | _READ_FILE | _READ_FOLDER
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}  # version: how many kinds of access to files it knows


class _Ruleset(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("files", "network", "scopes")]


class _Below(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32)]


def version() -> int:
    """Return the version of this system's Landlock; 0 where there is none."""
    try:
        return libc.syscall(_CREATE, None, 0, 1)
    except OSError:
        return 0


def confine(read: list[str], write: list[str]) -> None:
    """Let this process and its children read these paths, and write those, and nothing else.

    Raises OSError where there is no Landlock.
    """
    kind = version()
    everything = (1 << _RIGHTS.get(kind, 16)) - 1
    ruleset = _Ruleset(everything, 3 if kind >= 4 else 0, 3 if kind >= 6 else 0)
    size = 24 if kind >= 6 else 16 if kind >= 4 else 8
    rules = libc.syscall(_CREATE, ctypes.byref(ruleset), size, 0)
    for paths, allowed in ((read, _READ), (write, everything)):
        for path in paths:
            folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
            fits = allowed if os.path.isdir(path) else allowed & _FILE
            below = _Below(fits & everything, folder)
            libc.syscall(_ADD, rules, 1, ctypes.byref(below), 0)
            os.close(folder)
    libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
    libc.syscall(_RESTRICT, rules, 0)
    os.close(rules)
