"""Results of earlier rehearsals, kept in files under the content that they depend on.

A key is made of the cells that ran, the seed, and an environment: the code of every module of the
course and of the engine that the cells may reach, and the versions of what is installed. When any
of these changes, the key changes, and the cells run again. The number of threads is no part of it:
what a check prints must not depend on that.
"""

import ast
import contextlib
import hashlib
import importlib.metadata
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from coursekit.sandbox import package
from coursekit.source.cells import Printed

Cells = Sequence[tuple[str, str]]
"""The id and the source of each cell, in the order in which they run."""

KEPT = 60  # days that an entry stays after its last use
ENGINE = ("coursekit.checks.check", "coursekit.source.cells")
PROCESSOR = ("ATEN_", "DNNL_", "MKL_", "ONEDNN_", "OPENBLAS_", "PYTORCH_", "TORCH_")


@dataclass(frozen=True)
class Cache:
    """A folder of entries, one file for each key; several processes may use it at once."""

    folder: Path
    environment: str

    def printed(self, cells: Cells, seed: int, run: Callable[[], Printed]) -> Printed:
        """Return what the cells printed before; otherwise run them, and keep what they print."""
        path = self.folder / f"{_digest([self.environment, seed, cells])}.json"
        found = _read(path)
        if found is None:
            found = run()
            _write(path, found)
        return found


def opened(root: Path, sources: Iterable[str]) -> Cache:
    """Open the cache of a course for cells with these sources; drops entries that nobody uses."""
    folder = root / ".cache" / "rehearsals"
    oldest = time.time() - KEPT * 24 * 3600
    for path in folder.glob("*"):
        with contextlib.suppress(OSError):  # another process has dropped it
            if path.is_file() and path.stat().st_mtime < oldest:
                path.unlink()
    return Cache(folder, environment(sources))


def environment(sources: Iterable[str]) -> str:
    """Return a digest of all that decides what these cells print, beside the cells themselves."""
    files = package.files(package.needed(filter(_is_python, sources), ENGINE))
    code = [
        (place.as_posix(), hashlib.sha256(path.read_bytes()).hexdigest())
        for place, path in sorted(files.items())
    ]
    switches = sorted(
        pair
        for pair in os.environ.items()
        if pair[0].startswith(PROCESSOR) and not pair[0].endswith("_NUM_THREADS")
    )
    return _digest([code, _installed(), sys.version, platform.machine(), sys.platform, switches])


@cache
def _installed() -> list[tuple[str, str]]:
    return sorted((found.name, found.version) for found in importlib.metadata.distributions())


def _is_python(source: str) -> bool:
    """Return False for a source that will not run, and so reaches nothing."""
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _read(path: Path) -> Printed | None:
    """Return what a file holds; None if it is absent, damaged, or was written for another key."""
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
        printed = entry["printed"]
        if entry["digest"] != _digest([path.name, printed]):
            return None
        os.utime(path)  # it is in use
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return printed


def _write(path: Path, printed: Printed) -> None:
    """Keep an entry, whole or not at all; where the folder cannot be written, nothing is kept."""
    entry = {"digest": _digest([path.name, printed]), "printed": printed}
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix="new-") as own:
            (part := Path(own, "entry")).write_text(json.dumps(entry), encoding="utf-8")
            os.replace(part, path)
