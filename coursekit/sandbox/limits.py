"""Limits of the time, memory and space that one submission may use."""

import contextlib
from dataclasses import asdict, dataclass
from pathlib import Path

MIB = 2**20


@dataclass(frozen=True)
class Limits:
    """Seconds, bytes and counts; a process that exceeds them ends, and loses only its points."""

    line: float = 10  # seconds of the processor for one call of an answer, see `checks.limits`
    cell: float = 90  # seconds on the clock for a cell: enough for three calls that only wait
    submission: float = 600  # seconds on the clock for all runs of a notebook
    memory: int = 3072 * MIB  # of all processes together
    processes: int = 48
    disk: int = 256 * MIB
    output: int = 8 * MIB  # what all cells print and show

    @classmethod
    def of(cls, seconds: float) -> "Limits":
        """Return the limits for so many seconds per call, with the other times in proportion."""
        return cls(line=seconds, cell=9 * seconds, submission=60 * seconds)

    def as_json(self) -> dict:
        """Return the fields, to send them to another process."""
        return asdict(self)


def restrict(limits: Limits) -> None:
    """Set the limits that the system enforces on this process and on all that it starts."""
    import resource  # POSIX only

    with contextlib.suppress(OSError):  # when memory runs out, this process goes before others
        Path("/proc/self/oom_score_adj").write_text("1000")

    hard = {
        "RLIMIT_CORE": 0,
        "RLIMIT_CPU": int(limits.submission * 4) + 1,
        "RLIMIT_DATA": limits.memory,
        "RLIMIT_FSIZE": limits.disk,
        "RLIMIT_NOFILE": 512,
    }
    for name, value in hard.items():
        with contextlib.suppress(ValueError, OSError, AttributeError):
            kind = getattr(resource, name)
            most = resource.getrlimit(kind)[1]
            value = value if most == resource.RLIM_INFINITY else min(value, most)
            resource.setrlimit(kind, (value, value))
