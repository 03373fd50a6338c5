"""All that grading one set needs, opened together: references, sandbox, proof, and the judge."""

import contextlib
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from coursekit.grader import references
from coursekit.grader.engine import Engine
from coursekit.grader.pristine import Pristine
from coursekit.grader.references import Reference
from coursekit.grader.scoring import Judge
from coursekit.sandbox import launch as sandbox
from coursekit.sandbox import package
from coursekit.sandbox.limits import Limits


@contextlib.contextmanager
def opened(
    pristine: Pristine,
    engine: Engine,
    *,
    level: str,
    seed: int,
    jobs: int,
    threads: int,
    limits: Limits,
    reference: Reference | None = None,
) -> Iterator[tuple[Judge, ThreadPoolExecutor]]:
    """A judge that has proved itself, and workers to call it. Raises ValueError if it has not.

    With a reference, which another machine found, this one is only tried against it.
    """
    rehearsal = (
        contextlib.nullcontext() if reference else references.rehearsal(pristine, seed)
    )  # while the server imports torch
    with (
        rehearsal as rehearsing,
        tempfile.TemporaryDirectory(prefix="rg-", ignore_cleanup_errors=True) as folder,
        ThreadPoolExecutor(jobs) as pool,
    ):
        package.copy(pristine.sources, Path(folder))
        with sandbox.opened(level, Path(folder), seed, threads, limits) as box:
            if reference is None:
                reference = references.record(pristine, engine, box, rehearsing)
            references.prove(pristine, reference, engine, box, pool)
            yield Judge(pristine, reference, engine, box), pool
