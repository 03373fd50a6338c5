"""Linux system calls that the standard library does not offer, raising OSError where they fail."""

import ctypes
import os

_libc = ctypes.CDLL(None, use_errno=True)

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP = 1, 4, 22
PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 36, 38


def call(name: str, *arguments: object) -> int:
    """Call a function of the C library."""
    return _checked(getattr(_libc, name)(*map(_plain, arguments)), name)


def syscall(number: int, *arguments: object) -> int:
    """Make a system call by its number."""
    return _checked(_libc.syscall(number, *map(_plain, arguments)), f"system call {number}")


def prctl(option: int, *arguments: int) -> None:
    """Set a property of this process."""
    padded = [*arguments, 0, 0, 0, 0][:4]
    call(
        "prctl",
        option,
        *(
            ctypes.c_ulong(argument) if isinstance(argument, int) else argument
            for argument in padded
        ),
    )


def _plain(value: object) -> object:
    return os.fsencode(value) if isinstance(value, str | os.PathLike) else value


def _checked(result: int, name: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result
