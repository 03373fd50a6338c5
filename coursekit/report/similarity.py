"""similarity.csv: pairs of students whose answers are nearly the same code. A flag, no verdict.

An answer becomes the sequence of its syntax tree's nodes. The names that it defines itself become
one anonymous name, and docstrings, comments and annotations are dropped. Each `GRAM` neighbouring
nodes are hashed, and of each `WINDOW` neighbouring hashes the smallest is kept as a fingerprint.
This is winnowing (Schleimer, Wilkerson and Aiken 2003), which finds every copied piece of
`GRAM + WINDOW - 1` nodes. Hashes of subtrees would miss more: a changed leaf changes all subtrees
above it, which in answers of ten lines are most of them, but only `GRAM` hashes here.

The score of two answers is the share of their fingerprints that they have in common. Fingerprints
of the stub, and of answers of more than `common` students, are no evidence. Neither is an answer
with fewer than `EVIDENCE` fingerprints left. Each fingerprint is looked up once and has at most 30
owners, so the time grows with the class and not with its square. More than 30 students with one
answer are therefore not flagged.
"""

import ast
import hashlib
import keyword
import re
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from coursekit.report import tables
from coursekit.report.text import visible

GRAM, WINDOW = 6, 4
EVIDENCE = 16
ALIKE = 0.8

_COLUMNS = ("student", "other", "score", "fingerprints", "tasks")
_LONGEST = 100_000  # characters of an answer; longer ones are not compared
_TOKEN = re.compile(
    r'#[^\n]*|("""|\'\'\')(?:.|\n)*?\1|"[^"\n]*"|\'[^\'\n]*\'|[^\W\d]\w*|\d[\w.]*|\S'
)


@dataclass(frozen=True)
class SimilarTask:
    """One task in which two answers are alike: its score from 0 to 1, its common fingerprints."""

    set_name: str
    task: str
    score: float
    fingerprints: int

    @property
    def label(self) -> str:
        """Set and task in one word."""
        return f"{self.set_name}/{self.task}"


@dataclass(frozen=True)
class Pair:
    """Two students, and the tasks in which their answers are alike."""

    student: str
    other: str
    tasks: tuple[SimilarTask, ...]

    @property
    def fingerprints(self) -> int:
        """Common fingerprints in all these tasks."""
        return sum(task.fingerprints for task in self.tasks)

    @property
    def score(self) -> float:
        """Mean score of the tasks, weighted by their common fingerprints."""
        return sum(task.score * task.fingerprints for task in self.tasks) / self.fingerprints


class ClassAnswers:
    """Fingerprints of the answers of a class, taken in one by one."""

    def __init__(self) -> None:
        self._prints: dict[tuple[str, str], dict[str, frozenset[int]]] = defaultdict(dict)
        self._given: dict[tuple[str, str], frozenset[int]] = {}
        self._written: Counter[tuple[str, str]] = Counter()

    def add(self, student: str, set_name: str, task: str, answer: str, given: str = "") -> None:
        """Take in an answer; ``given`` is the stub as it was handed out."""
        key = (set_name, task)
        if key not in self._given:
            self._given[key] = frozenset(_grams(given))
        found = frozenset(_winnowed(_grams(answer))) - self._given[key]
        self._written[key] += bool(found)
        if len(found) >= EVIDENCE:
            self._prints[key][student] = found

    def pairs(self) -> list[Pair]:
        """Return all pairs with a task that is nearly the same, those that share most first."""
        alike: dict[tuple[str, str], list[SimilarTask]] = defaultdict(list)
        for key, prints in sorted(self._prints.items()):
            for students, score, shared in _alike(prints, common(self._written[key])):
                alike[students].append(SimilarTask(*key, score, shared))
        return sorted(
            (Pair(*students, tuple(tasks)) for students, tasks in alike.items()),
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
            "tasks": "; ".join(f"{task.label} {task.score:.2f}" for task in pair.tasks),
        }
        for pair in pairs
    )
    tables.write(out / "similarity.csv", _COLUMNS, rows)


def common(students: int) -> int:
    """Return how many of those who answered may share a fingerprint: half, from 5 to 30.

    A fingerprint shared by more students is ignored.
    """
    return max(5, min(30, students // 2))


def _alike(
    prints: dict[str, frozenset[int]], limit: int
) -> Iterator[tuple[tuple[str, str], float, int]]:
    owners = defaultdict(list)
    for student in sorted(prints):
        for fingerprint in prints[student]:
            owners[fingerprint].append(student)
    shared: Counter[tuple[str, str]] = Counter()
    own: Counter[str] = Counter()
    for students in owners.values():
        if len(students) <= limit:
            own.update(students)
            shared.update(combinations(students, 2))
    for (a, b), count in sorted(shared.items()):
        score = 2 * count / (own[a] + own[b])
        if count >= EVIDENCE and score >= ALIKE:
            yield (a, b), score, count


def _sequence(source: str) -> list[str]:
    """Return an answer's nodes; its tokens where it is no Python, nothing where it is too long."""
    if len(source) > _LONGEST:
        return []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return list(_nodes(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _tokens(source)


def _nodes(tree: ast.Module) -> Iterator[str]:
    own = set(_own(tree))
    todo: list[ast.AST] = [tree]
    while todo:  # not recursive: a student may nest as deep as the parser lets
        node = todo.pop()
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue  # a docstring
        yield type(node).__name__ + _detail(node, own)
        children: list[ast.AST] = []
        for name, value in ast.iter_fields(node):
            if name not in ("annotation", "returns", "ctx", "type_comment"):
                values = value if isinstance(value, list) else [value]
                children += [child for child in values if isinstance(child, ast.AST)]
        todo += reversed(children)


def _own(tree: ast.Module) -> Iterator[str]:
    """Yield the names and attributes that the answer defines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.id if isinstance(node, ast.Name) else node.attr
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.alias):
            yield node.asname or node.name
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            yield node.name


def _detail(node: ast.AST, own: set[str]) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return " _" if name in own else f" {name}"
        case ast.Constant(value=value):
            return f" {value!r}"
        case ast.alias(name=name):
            return f" {name}"
        case ast.keyword(arg=str(name)):
            return " _" if name in own else f" {name}"
    return ""


def _tokens(source: str) -> list[str]:
    """Return the tokens of code that does not parse, without comments, docstrings and own names.

    A name is its own if it stands somewhere alone: neither called, nor behind or before a dot.
    """
    found = [m[0] for m in _TOKEN.finditer(source) if not m[0].startswith(("#", '"""', "'''"))]
    around = zip(["", *found], found, [*found[1:], ""], strict=False)
    own = {
        token
        for before, token, after in around
        if token.isidentifier()
        and not keyword.iskeyword(token)
        and before != "."
        and after not in (".", "(")
    }
    return ["_" if token in own else token for token in found]


def _grams(source: str) -> list[int]:
    """Return a hash per run of `GRAM` nodes, in order; equal in every process."""
    sequence = _sequence(source)
    joined = ("\0".join(sequence[k : k + GRAM]) for k in range(len(sequence) - GRAM + 1))
    coded = (gram.encode("utf-8", "surrogatepass") for gram in joined)
    return [int.from_bytes(hashlib.blake2b(code, digest_size=8).digest()) for code in coded]


def _winnowed(hashes: list[int]) -> set[int]:
    """Return the smallest of every `WINDOW` neighbours."""
    windows = max(1, len(hashes) - WINDOW + 1)
    return {min(hashes[k : k + WINDOW]) for k in range(windows if hashes else 0)}
