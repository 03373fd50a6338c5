"""What this machine lacks for the course: `python -m coursekit doctor`.

One line a need, `OK` or `FAIL`, with the mend beside each failure. Starts with the standard library
alone: it has to speak where torch, or anything else, is missing or broken. The ranges come from the
metadata of the engine and of the package that the course teaches.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata

from coursekit.course import taught_package

NEED_DISK_GB = 1.0  # notebooks, checkpoints and figures, once all is installed
NEED_MEMORY_GB = 2.0
INSTALL = "run `make lab`, or `pip install -e . -e ./coursekit` in your environment"
REINSTALL = "delete .venv and run `make lab`"
TORCH = """
import torch, torchvision
gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none, the CPU will do"
print(torch.get_num_threads(), gpu, sep=";")
"""


@dataclass(frozen=True)
class Check:
    """One need: whether it is met, what was found, and how to mend it if not."""

    ok: bool
    found: str
    mend: str = ""

    def __str__(self) -> str:
        return f"OK    {self.found}" if self.ok else f"FAIL  {self.found}: {self.mend}"


def run(options: Namespace) -> int:
    """Print every check; returns 1 if any failed."""
    failed = 0
    for check in checks():
        print(check, flush=True)
        failed += not check.ok
    print(f"{failed} to mend" if failed else "All is well: `make lab` opens the course")
    return 1 if failed else 0


def checks() -> Iterator[Check]:
    """All checks, in the order in which their mends should be done."""
    yield from check_packages()
    yield from check_torch()
    yield check_disk()
    yield check_memory()
    yield check_writing()
    yield check_kernel()


def check_packages() -> Iterator[Check]:
    """Python and each package, against the ranges of both installed packages."""
    needs, python = [], ""
    for name in ("coursekit", taught_package()):
        try:
            python = metadata.metadata(name)["Requires-Python"]
        except metadata.PackageNotFoundError:
            yield Check(False, f"{name} is not installed", INSTALL)
            return
        needs += [need for need in metadata.requires(name) or [] if "extra ==" not in need]
    here = ".".join(str(part) for part in sys.version_info[:3])
    yield compare("Python", here, python, "install it, then " + REINSTALL)
    needs = sorted(set(needs), key=needs.index)
    for need in needs:
        name = re.split(r"[^\w.-]", need)[0]
        wanted = need[len(name) :].strip()
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            yield Check(False, f"{name} is missing, needs {wanted}", INSTALL)
            continue
        if importlib.util.find_spec(name) is None:
            yield Check(False, f"{name} {version} has lost its files", REINSTALL)
        else:
            yield compare(name, version, wanted, INSTALL)


def compare(name: str, version: str, wanted: str, mend: str) -> Check:
    """One version against its lower bound `>=x.y`. Raises ValueError for any other range."""
    bound = re.fullmatch(r">=([\d.]+)", wanted)
    if not bound:
        raise ValueError(f"the range {name}{wanted} is no plain >= bound; mend pyproject.toml")
    found = f"{name} {version} (needs {wanted})"
    return Check(_numbers(version) >= _numbers(bound[1]), found, mend)


def check_torch() -> Iterator[Check]:
    """Whether torch and torchvision start together (apart, as a broken one may crash)."""
    tried = subprocess.run([sys.executable, "-c", TORCH], capture_output=True, text=True)
    if tried.returncode:
        reason = (tried.stderr.strip().splitlines() or ["it crashed"])[-1]
        yield Check(False, f"torch and torchvision do not start ({reason})", REINSTALL)
        return
    threads, gpu = tried.stdout.strip().splitlines()[-1].split(";", 1)
    cores = os.cpu_count()
    yield Check(True, f"torch and torchvision start, {threads} threads on {cores} cores")
    yield Check(True, f"GPU: {gpu}")


def check_disk() -> Check:
    """Free space where the course lies."""
    free = shutil.disk_usage(".").free / 1e9
    return Check(
        free >= NEED_DISK_GB,
        f"{free:.1f} GB of disk free (needs {NEED_DISK_GB:g})",
        "delete what you no longer need",
    )


def check_memory() -> Check:
    """Memory that programs can still take."""
    try:
        import psutil
    except ImportError:
        return Check(False, "free memory unknown, for psutil does not start", REINSTALL)
    free = psutil.virtual_memory().available / 1e9
    return Check(
        free >= NEED_MEMORY_GB,
        f"{free:.1f} GB of memory free (needs {NEED_MEMORY_GB:g})",
        "close other programs",
    )


def check_writing() -> Check:
    """Whether this folder can be written, as notebooks have to be saved."""
    try:
        with tempfile.TemporaryFile(dir="."):
            return Check(True, f"{os.getcwd()} can be written")
    except OSError as error:
        return Check(
            False,
            f"{os.getcwd()} cannot be written ({error.strerror})",
            "move the course into a folder of your own",
        )


def check_kernel() -> Check:
    """Whether JupyterLab finds a Python kernel to run the notebooks with."""
    try:
        from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
    except ImportError:
        return Check(False, "Jupyter does not start", REINSTALL)
    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        return Check(False, "JupyterLab finds no kernel python3", INSTALL)
    # Jupyter runs a bare `python` as its own interpreter
    program = shutil.which(spec.argv[0]) if os.path.isabs(spec.argv[0]) else sys.executable
    return Check(
        program is not None,
        f"JupyterLab kernel python3 runs {program or spec.argv[0]}",
        "its program is gone; " + REINSTALL,
    )


def _numbers(version: str) -> tuple[int, ...]:
    """2.15.0+cpu -> (2, 15, 0): the release alone, as bounds name no more."""
    release = re.split(r"[^\d.]", version)[0].strip(".")
    return tuple(int(part) for part in release.split("."))
