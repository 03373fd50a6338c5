"""Close the network for a process without a network namespace: only socket files open.

The error is EOPNOTSUPP, the one that ZeroMQ does not abort at.
"""

import ctypes
import errno
import platform
import socket
import struct

from coursekit.sandbox import libc

_SOCKET, _ARCHITECTURE = {
    "x86_64": (41, 0xC000003E),
    "aarch64": (198, 0xC00000B7),
}.get(platform.machine(), (None, None))
_IO_URING, _X32 = 425, 0x40000000
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _ERROR, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_char_p)]


def only_socket_files() -> None:
    """Make socket() fail for all but AF_UNIX, in this process and its children.

    Raises OSError on a processor whose system calls are not known here.
    """
    if _SOCKET is None:
        raise OSError(errno.ENOSYS, f"no filter for system calls on {platform.machine()}")
    steps = [  # operation, steps to skip if so, if not, operand
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_EQUAL, 1, 0, _ARCHITECTURE),
        (_RETURN, 0, 0, _KILL),  # calls of another architecture
        (_LOAD, 0, 0, _NUMBER_AT),
        (_AT_LEAST, 4, 0, _X32),
        (_EQUAL, 3, 0, _IO_URING),  # which could open sockets unseen
        (_EQUAL, 0, 3, _SOCKET),
        (_LOAD, 0, 0, _FIRST_ARGUMENT_AT),
        (_EQUAL, 1, 0, socket.AF_UNIX),
        (_RETURN, 0, 0, _ERROR | errno.EOPNOTSUPP),
        (_RETURN, 0, 0, _ALLOW),
    ]
    code = b"".join(struct.pack("HBBI", *step) for step in steps)
    program = _Program(len(steps), code)
    libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
    libc.call("prctl", libc.PR_SET_SECCOMP, ctypes.c_ulong(2), ctypes.byref(program), 0, 0)
