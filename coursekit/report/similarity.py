"""similarity.csv: pairs of students whose answers are nearly the same code. A flag, no verdict.

Two answers are as alike as the share of winnowed fingerprints that they have in common, see
`fingerprints`. What stands in the stub, or in the answers of more than `common` students, is no
evidence, and neither is an answer of which fewer than `EVIDENCE` fingerprints are left. Each
fingerprint is looked up once, and one that is left has at most 30 owners, so the time grows with
the class and not with its square. More than 30 students with one answer are therefore not flagged.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from coursekit.report import tables
from coursekit.report.fingerprints import runs, winnowed
from coursekit.report.text import visible

EVIDENCE = 16
ALIKE = 0.8

_COLUMNS = ("student", "other", "score", "fingerprints", "tasks")


@dataclass(frozen=True)
class Pair:
    """Two students, how alike their flagged answers are (0 to 1), and which tasks these are."""

    student: str
    other: str
    score: float
    fingerprints: int
    tasks: tuple[tuple[str, str, float], ...]  # set, task, score


class Answers:
    """The fingerprints of all answers, taken in one by one."""

    def __init__(self) -> None:
        self._prints: dict[tuple[str, str], dict[str, frozenset[int]]] = defaultdict(dict)
        self._given: dict[tuple[str, str], frozenset[int]] = {}
        self._written: Counter[tuple[str, str]] = Counter()

    def add(self, student: str, exercise: str, task: str, answer: str, given: str = "") -> None:
        """Take in an answer; ``given`` is the stub as it was handed out."""
        where = (exercise, task)
        if where not in self._given:
            self._given[where] = frozenset(runs(given))
        found = frozenset(winnowed(runs(answer))) - self._given[where]
        self._written[where] += bool(found)
        if len(found) >= EVIDENCE:
            self._prints[where][student] = found

    def pairs(self) -> list[Pair]:
        """All pairs with a task that is nearly the same, those that share most first."""
        flagged: dict[tuple[str, str], list[tuple[str, str, float, int]]] = defaultdict(list)
        for (exercise, task), prints in sorted(self._prints.items()):
            limit = common(self._written[exercise, task])
            for pair, score, shared in _alike(prints, limit):
                flagged[pair].append((exercise, task, score, shared))
        return sorted(
            (_pair(pair, found) for pair, found in flagged.items()),
            key=lambda pair: (-pair.fingerprints, pair.student, pair.other),
        )


def write(out: Path, pairs: list[Pair]) -> None:
    """Write similarity.csv."""
    rows = (
        {
            "student": visible(pair.student),
            "other": visible(pair.other),
            "score": round(pair.score, 2),
            "fingerprints": pair.fingerprints,
            "tasks": "; ".join(f"{exercise}/{task} {s:.2f}" for exercise, task, s in pair.tasks),
        }
        for pair in pairs
    )
    tables.write(out / "similarity.csv", _COLUMNS, rows)


def common(students: int) -> int:
    """How many of those who answered may share what is still their own: half, from 5 to 30."""
    return max(5, min(30, students // 2))


def _alike(
    prints: dict[str, frozenset[int]], limit: int
) -> Iterator[tuple[tuple[str, str], float, int]]:
    owners = defaultdict(list)
    for student in sorted(prints):
        for fingerprint in prints[student]:
            owners[fingerprint].append(student)
    shared, own = Counter(), Counter()
    for students in owners.values():
        if len(students) <= limit:
            own.update(students)
            shared.update(combinations(students, 2))
    for (a, b), count in sorted(shared.items()):
        score = 2 * count / (own[a] + own[b])
        if count >= EVIDENCE and score >= ALIKE:
            yield (a, b), score, count


def _pair(pair: tuple[str, str], found: list[tuple[str, str, float, int]]) -> Pair:
    fingerprints = sum(shared for *_, shared in found)
    score = sum(score * shared for *_, score, shared in found) / fingerprints
    tasks = tuple((exercise, task, score) for exercise, task, score, _ in found)
    return Pair(*pair, score, fingerprints, tasks)
