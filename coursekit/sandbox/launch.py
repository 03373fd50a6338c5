"""Start one kernel: its folders, its variables, and its command line."""

import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from coursekit.sandbox import client, levels, package
from coursekit.sandbox.limits import Limits
from coursekit.sandbox.server import ForkServer, Order

PRELOAD = (
    "torch",
    "matplotlib_inline.backend_inline",
    "ipykernel.debugger",
    "coursekit.checks",
    "coursekit.sandbox.kernel",
    "coursekit.sandbox.namespaces",
    "coursekit.sandbox.landlock",
    "coursekit.sandbox.seccomp",
)
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "LD_LIBRARY_PATH")


def short_folder() -> Path:
    """Make a private folder whose path leaves room for the names of socket files (107 bytes)."""
    base = tempfile.gettempdir()
    return Path(tempfile.mkdtemp(prefix="rg-", dir=base if len(base) < 40 else "/tmp"))


@dataclass(frozen=True)
class Sandbox:
    """Settings of the kernels of one set: isolation level, copy of the package, seed, limits."""

    level: str
    package: Path  # the folder that holds the kernel's own copy of the taught package
    seed: int
    threads: int
    limits: Limits
    server: ForkServer | None = None

    def environment(self, home: str) -> dict[str, str]:
        """Return all variables of a kernel."""
        passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        return passed | {
            "HOME": home,
            "TMPDIR": home,
            "USER": "student",
            "LOGNAME": "student",
            "IPYTHONDIR": f"{home}/.ipython",
            "JUPYTER_RUNTIME_DIR": home,
            "JUPYTER_NO_CONFIG": "1",
            "MPLCONFIGDIR": f"{home}/.matplotlib",
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
            "PYTHONPATH": str(self.package),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",  # make set iteration reproducible
            "OMP_NUM_THREADS": str(self.threads),
            "MKL_NUM_THREADS": str(self.threads),
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # the kernel's debugger says nothing
            "COURSEKIT_CHECK": "values",
            "COURSEKIT_SEED": str(self.seed),
            "COURSEKIT_LINE_LIMIT": f"{self.limits.line:g}",
        }

    def command(self, folder: Path) -> tuple[list[str], dict[str, str]]:
        """Return the command line and the variables that start a kernel in its own new folder.

        The folder gets `sockets/`, which the kernel shares with the grader, and its own `scratch/`.
        """
        for name in ("sockets", "scratch", "root"):
            (folder / name).mkdir()
        connection, scratch = connection_file(folder), str(folder / "scratch")
        read = [*levels.system(package.hidden()), str(self.package)]
        own = "/tmp" if self.level in ("namespaces", "bubblewrap") else scratch
        write = [str(folder / "sockets"), *([] if own == "/tmp" else [scratch])]
        environment = self.environment(own)
        if self.server is None:
            kernel = [sys.executable, "-m", "ipykernel_launcher", "-f", connection]
            if self.level == "bubblewrap":
                kernel = levels.bubblewrap(read, write, self.limits.disk, kernel)
            guarded = {
                "command": kernel,
                "limits": self.limits.as_json(),
                "folder": scratch,
                "write": write,
                "environment": environment,
            }
            (folder / "order.json").write_text(json.dumps(guarded))
            return [
                sys.executable,
                "-m",
                "coursekit.sandbox.alone",
                str(folder / "order.json"),
                str(folder / "ended"),
            ], dict(os.environ)
        order = Order(
            "coursekit.sandbox.kernel:start",
            [connection],
            self.limits,
            environment,
            own,
            self.level,
            tuple(read),
            tuple(write),
            str(folder / "root"),
        )
        (folder / "order.json").write_text(json.dumps(order.as_json()))
        return [
            sys.executable,
            "-IS",
            client.__file__,
            self.server.address,
            str(folder / "order.json"),
            str(folder / "ended"),
        ], {}


def connection_file(folder: Path) -> str:
    """Return the file in which the kernel of a run folder finds its ports and key."""
    return str(folder / "sockets" / "kernel.json")


@contextlib.contextmanager
def opened(level: str, package: Path, seed: int, threads: int, limits: Limits) -> Iterator[Sandbox]:
    """Open a sandbox that is ready to start kernels, with a fork server where one can run."""
    plain = Sandbox(level, package, seed, threads, limits)
    if level == "bubblewrap" or not sys.platform.startswith("linux"):
        yield plain
        return
    folder = short_folder()
    try:
        with ForkServer(folder, list(PRELOAD), plain.environment(str(folder))) as server:
            yield Sandbox(level, package, seed, threads, limits, server)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
