"""All that grading one set needs, opened together: references, sandbox, proof, and the scorer."""

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from coursekit.grader import references
from coursekit.grader.engine import Engine
from coursekit.grader.pristine import Pristine
from coursekit.grader.references import Reference
from coursekit.grader.scoring import Scorer
from coursekit.sandbox import launch, package
from coursekit.sandbox.limits import Limits


@contextlib.contextmanager
def open_workplace(
    pristine: Pristine,
    engine: Engine,
    *,
    level: str,
    seed: int,
    jobs: int,
    threads: int,
    limits: Limits,
    reference: Reference | None = None,
) -> Iterator[tuple[Scorer, ThreadPoolExecutor]]:
    """Open a scorer that has proved itself on the set, and workers to call it.

    With a reference, which another machine found, this machine is only tried against it.

    Raises:
        ValueError: if the scorer does not prove itself.
    """
    rehearsal: contextlib.AbstractContextManager[subprocess.Popen[str] | None]
    if reference is None:
        rehearsal = references.rehearsal(pristine, seed)  # while the sandbox's server loads torch
    else:
        rehearsal = contextlib.nullcontext()
    with (
        rehearsal as process,
        tempfile.TemporaryDirectory(prefix="rg-", ignore_cleanup_errors=True) as folder,
        ThreadPoolExecutor(jobs) as pool,
    ):
        package.copy(pristine.sources, Path(folder))
        with launch.opened(level, Path(folder), seed, threads, limits) as sandbox:
            if process is not None:
                reference = references.record(pristine, engine, sandbox, process)
            assert reference is not None
            references.prove(pristine, reference, engine, sandbox, pool)
            yield Scorer(pristine, reference, engine, sandbox), pool
