"""What this machine lacks for the course: `python -m coursekit doctor`.

One line per need, `OK` or `FAIL`, with the fix beside each failure. It starts with the standard
library alone, because it has to speak where torch, or anything else, is missing or broken. The
ranges come from the metadata of the engine and of the taught package, and from pyproject.toml.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from coursekit.course import course_root, taught_package
from coursekit.terminal import paint

NEED_DISK_GB = 1.0  # notebooks, checkpoints and figures, once all is installed
NEED_MEMORY_GB = 2.0
INSTALL = "run `make lab`, or `pip install -e . -e ./coursekit` in your environment"
REINSTALL = "delete .venv and run `make lab`"
TORCH = """
import torch, torchvision
gpu = "none, the CPU will do"
if torch.cuda.is_available():
    gpu = torch.cuda.get_device_name()
elif torch.backends.mps.is_available():
    gpu = "that of Apple silicon (mps)"
print(torch.get_num_threads(), gpu, sep=";")
"""


@dataclass(frozen=True)
class Check:
    """One need: if it is met, what was found, and how to fix it if not."""

    ok: bool
    found: str
    fix: str = ""

    def __str__(self) -> str:
        return f"OK    {self.found}" if self.ok else f"FAIL  {self.found}: {self.fix}"


def run(options: Namespace) -> int:
    """Print every check; returns 1 if any failed."""
    failed = 0
    for check in checks():
        print(paint(str(check), "green" if check.ok else "red", sys.stdout), flush=True)
        failed += not check.ok
    print(f"{failed} to fix" if failed else "All is well: `make lab` opens the course")
    return 1 if failed else 0


def checks() -> Iterator[Check]:
    """Yield all checks, in the order in which they should be fixed."""
    yield from check_packages()
    yield from check_torch()
    yield check_disk()
    yield check_memory()
    yield check_writing()
    yield check_kernel()


def check_packages() -> Iterator[Check]:
    """Check Python and each package that the engine, the taught package and JupyterLab need."""
    try:
        from packaging.requirements import Requirement
    except ImportError:
        yield Check(False, "packaging is missing, which compares versions", INSTALL)
        return
    needs, pythons = list(_lab_needs()), list[str]()
    for name in (taught_package(), "coursekit"):
        try:
            pythons.append(metadata.metadata(name)["Requires-Python"])
        except metadata.PackageNotFoundError:
            yield Check(False, f"{name} is not installed", INSTALL)
            return
        needs = [*(metadata.requires(name) or []), *needs]
    here = ".".join(str(part) for part in sys.version_info[:3])
    yield compare("Python", here, ",".join(dict.fromkeys(pythons)), f"install it, then {REINSTALL}")
    for text in dict.fromkeys(needs):
        need = Requirement(text)
        if need.marker is None or need.marker.evaluate({"extra": ""}):
            yield _check_package(need.name, str(need.specifier))


def _check_package(name: str, wanted: str) -> Check:
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Check(False, f"{name} is missing, needs {wanted}", INSTALL)
    if importlib.util.find_spec(name.replace("-", "_")) is None:
        return Check(False, f"{name} {version} has lost its files", REINSTALL)
    return compare(name, version, wanted, INSTALL)


def _lab_needs() -> Iterator[str]:
    """Yield what the course's pyproject.toml asks for beside both packages, to open the lessons."""
    settings = (course_root() or Path()) / "pyproject.toml"
    if settings.is_file():
        groups = tomllib.loads(settings.read_text(encoding="utf-8")).get("dependency-groups", {})
        yield from (need for need in groups.get("course", ()) if isinstance(need, str))


def compare(name: str, version: str, wanted: str, fix: str) -> Check:
    """Compare one version with the range that it should lie in, by the rules of Python packages."""
    from packaging.specifiers import SpecifierSet

    fits = SpecifierSet(wanted).contains(version, prereleases=True)
    return Check(fits, f"{name} {version} (needs {wanted or 'any'})", fix)


def check_torch() -> Iterator[Check]:
    """Start torch and torchvision together, in another process, because a broken one may crash."""
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
    """Check the free space where the course lies."""
    free = shutil.disk_usage(course_root() or ".").free / 1e9
    return Check(
        free >= NEED_DISK_GB,
        f"{free:.1f} GB of disk free (needs {NEED_DISK_GB:g})",
        "delete what you no longer need",
    )


def check_memory() -> Check:
    """Check the memory that programs can still take."""
    try:
        import psutil
    except ImportError:
        return Check(False, "free memory is unknown, because psutil does not start", REINSTALL)
    free = psutil.virtual_memory().available / 1e9
    return Check(
        free >= NEED_MEMORY_GB,
        f"{free:.1f} GB of memory free (needs {NEED_MEMORY_GB:g})",
        "close other programs",
    )


def check_writing() -> Check:
    """Check that the course's folder can be written, because notebooks have to be saved there."""
    home = course_root() or Path().resolve()
    try:
        with tempfile.TemporaryFile(dir=home):
            return Check(True, f"{home} can be written")
    except OSError as error:
        return Check(
            False,
            f"{home} cannot be written ({error.strerror})",
            "move the course into a folder of your own",
        )


def check_kernel() -> Check:
    """Check that JupyterLab finds a Python kernel to run the notebooks with."""
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
        f"its program is gone; {REINSTALL}",
    )
