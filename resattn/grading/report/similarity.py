"""similarity.csv: pairs of students whose answers are nearly the same code. A flag, no verdict.

An answer becomes the sequence of its syntax tree's nodes, in which the names that it defines itself
are one anonymous name, and docstrings, comments and annotations are gone. Runs of `RUN` nodes are
hashed, and of each `WINDOW` neighbouring hashes the smallest is kept: winnowed fingerprints
(Schleimer, Wilkerson and Aiken 2003). Not hashes of subtrees: one changed leaf changes all the
subtrees above it, which in answers of ten lines are most of them, but only `RUN` runs.

What stands in the stub, or in the answers of more than `common` students, is no evidence, and
neither is an answer of which fewer than `EVIDENCE` fingerprints are left. Each fingerprint is
looked up once, and one that is left has at most 30 owners, so the time grows with the class and
not with its square. More than 30 students with one answer are therefore not flagged.
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

from resattn.grading.report import tables
from resattn.grading.report.text import visible

RUN, WINDOW = 6, 4
EVIDENCE = 16
ALIKE = 0.8

_LONGEST = 100_000  # characters of an answer; longer ones are not compared
_COLUMNS = ("student", "other", "score", "fingerprints", "tasks")
_TOKEN = re.compile(
    r'#[^\n]*|("""|\'\'\')(?:.|\n)*?\1|"[^"\n]*"|\'[^\'\n]*\'|[^\W\d]\w*|\d[\w.]*|\S'
)


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

    def add(self, student: str, exercise: str, task: str, answer: str, given: str = "") -> None:
        """Take in an answer; ``given`` is the stub as it was handed out."""
        where = (exercise, task)
        if where not in self._given:
            self._given[where] = frozenset(_runs(nodes(given)))
        found = frozenset(_winnowed(_runs(nodes(answer)))) - self._given[where]
        if len(found) >= EVIDENCE:
            self._prints[where][student] = found

    def pairs(self) -> list[Pair]:
        """All pairs with a task that is nearly the same, those that share most first."""
        flagged: dict[tuple[str, str], list[tuple[str, str, float, int]]] = defaultdict(list)
        for (exercise, task), prints in sorted(self._prints.items()):
            for pair, score, shared in _alike(prints):
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
    """How many students may share a fingerprint before it is nobody's own: a quarter, 5 to 30."""
    return max(5, min(30, students // 4))


def _alike(prints: dict[str, frozenset[int]]) -> Iterator[tuple[tuple[str, str], float, int]]:
    owners = defaultdict(list)
    for student in sorted(prints):
        for fingerprint in prints[student]:
            owners[fingerprint].append(student)
    shared, own = Counter(), Counter()
    for students in owners.values():
        if len(students) <= common(len(prints)):
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


def nodes(source: str) -> list[str]:
    """An answer as a sequence; its tokens where it is no Python, nothing where it is too long."""
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
        yield type(node).__name__ + _said(node, own)
        children = []
        for name, value in ast.iter_fields(node):
            if name not in ("annotation", "returns", "ctx", "type_comment"):
                children += [
                    v
                    for v in (value if isinstance(value, list) else [value])
                    if isinstance(v, ast.AST)
                ]
        todo += reversed(children)


def _own(tree: ast.Module) -> Iterator[str]:
    """Names and attributes that the answer defines."""
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


def _said(node: ast.AST, own: set[str]) -> str:
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
    """What is left of code that does not parse: no comments, no docstrings, no names of its own.

    Its own are the names that stand somewhere alone: neither called, nor behind or before a dot.
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


def _runs(sequence: list[str]) -> list[int]:
    runs = ("\0".join(sequence[k : k + RUN]) for k in range(len(sequence) - RUN + 1))
    coded = (run.encode("utf-8", "surrogatepass") for run in runs)
    return [int.from_bytes(hashlib.blake2b(code, digest_size=8).digest()) for code in coded]


def _winnowed(hashes: list[int]) -> set[int]:
    windows = max(1, len(hashes) - WINDOW + 1)
    return {min(hashes[k : k + WINDOW]) for k in range(windows if hashes else 0)}
