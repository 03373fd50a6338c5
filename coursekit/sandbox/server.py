"""A server that has done the slow imports, and forks the processes that need them (Linux).

`ForkServer` starts one. For each request the server forks a guard, and the guard forks the process
that calls the requested function, after that process is isolated as requested. A request is JSON
on a socket file, and its answer a text. The client keeps the connection open for as long as the
process is wanted. When the server's standard input ends, so do the server and all that it started.
"""

import contextlib
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coursekit.sandbox import guard, levels, libc
from coursekit.sandbox.limits import Limits

READY_WITHIN = 120  # seconds for the imports of a server


@dataclass(frozen=True)
class Order:
    """A function to call, and the limits and isolation of the process that calls it."""

    function: str  # module:name
    arguments: list[str]
    limits: Limits
    environment: dict[str, str]
    folder: str  # where it starts
    level: str = "plain"
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    root: str = ""  # an empty folder, for a level that needs one

    def as_json(self) -> dict[str, Any]:
        """Return the fields, to send them to the server."""
        return vars(self) | {"limits": self.limits.as_json()}

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "Order":
        """Inverse of `as_json`."""
        return cls(**fields | {"limits": Limits(**fields["limits"])})


class ForkServer:
    """A running server. Use it in a `with` statement; leaving that ends all that it started."""

    def __init__(self, folder: Path, preload: list[str], environment: dict[str, str]) -> None:
        self.address = str(folder / "server")
        command = [sys.executable, "-m", __name__, self.address, *preload]
        self.process = subprocess.Popen(
            command,
            env=environment,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )

    def __enter__(self) -> "ForkServer":
        output = self.process.stdout
        assert output is not None
        if not select.select([output], [], [], READY_WITHIN)[0] or (
            output.readline().strip() != b"ready"
        ):
            self.__exit__()
            raise RuntimeError("the process that starts kernels did not start")
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.address)


def ask(address: str, order: dict) -> socket.socket:
    """Request a process; returns a connection, which ends with it, and ends it when closed."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(address)
    connection.sendall(json.dumps(order).encode() + b"\n")
    return connection


def answer(connection: socket.socket) -> str:
    """Wait for the end of the process; returns how it ended, in words."""
    text = b""
    with connection:
        while part := connection.recv(4096):
            text += part
    return text.decode(errors="replace") or "ended with its server"


def serve(address: str, preload: list[str]) -> None:
    """Import these modules, then fork on request until standard input ends."""
    for name in preload:
        importlib.import_module(name)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(address)
    os.chmod(address, 0o600)
    listener.listen(64)
    print("ready", flush=True)
    waiting = [listener, sys.stdin]
    while sys.stdin not in (ready := select.select(waiting, [], [], 1)[0]):
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if listener not in ready:
            continue
        connection = listener.accept()[0]
        if os.fork() == 0:
            listener.close()
            _guarded(connection)
        connection.close()


def _guarded(connection: socket.socket) -> None:
    """Start the process, watch it, say how it ended; never returns."""
    server = os.getppid()
    os.setsid()
    guard.subreaper()
    said = "the process could not be started"
    with contextlib.suppress(Exception):
        order = Order.from_json(json.loads(connection.makefile().readline()))
        child = os.fork()
        if child == 0:
            connection.close()
            _call(order)
        said = guard.watch(
            child,
            order.limits,
            lambda: os.getppid() == server and not _closed(connection),
            order.write or (order.folder,),
        )
    with contextlib.suppress(OSError):
        connection.sendall(said.encode())
    os._exit(0)


def _closed(connection: socket.socket) -> bool:
    return bool(select.select([connection], [], [], 0)[0])  # it sends nothing more: this is its end


def _call(order: Order) -> None:
    """In the new process: isolate it as ordered, and call the function; never returns."""
    code = 1
    try:
        libc.prctl(libc.PR_SET_PDEATHSIG, signal.SIGKILL)  # nobody would watch it any more
        os.setsid()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        os.closerange(3, 1024)
        os.environ.clear()
        os.environ.update(order.environment)
        levels.shut_in(order.level, list(order.read), list(order.write), order.limits, order.root)
        os.chdir(order.folder)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
            signal.signal(
                number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
            )
        module, _, name = order.function.partition(":")
        code = getattr(importlib.import_module(module), name)(*order.arguments) or 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    finally:
        os._exit(code)


def run(server: ForkServer, order: Order, wait: float) -> str:
    """Run a process to its end, or for so many seconds; returns how it ended, in words."""
    connection = ask(server.address, order.as_json())
    until = time.monotonic() + wait
    while time.monotonic() < until:
        if select.select([connection], [], [], 0.5)[0]:
            return answer(connection)
    connection.close()
    return f"took longer than {wait:g} s"


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2:])
