"""Fingerprints of code that stay when names, comments and layout change.

An answer becomes the sequence of its syntax tree's nodes, in which the names that it defines itself
are one anonymous name, and docstrings, comments and annotations are gone. Runs of `RUN` nodes are
hashed, and of each `WINDOW` neighbouring hashes the smallest is kept: winnowing (Schleimer,
Wilkerson and Aiken 2003), which finds every copied piece of `RUN + WINDOW - 1` nodes. Not hashes of
subtrees: one changed leaf changes all the subtrees above it, which in answers of ten lines are most
of them, but only `RUN` runs.
"""

import ast
import hashlib
import keyword
import re
import warnings
from collections.abc import Iterator

RUN, WINDOW = 6, 4

_LONGEST = 100_000  # characters of an answer; longer ones are not compared
_TOKEN = re.compile(
    r'#[^\n]*|("""|\'\'\')(?:.|\n)*?\1|"[^"\n]*"|\'[^\'\n]*\'|[^\W\d]\w*|\d[\w.]*|\S'
)


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


def runs(source: str) -> list[int]:
    """A hash for each run of `RUN` nodes, in order; the same in every process."""
    sequence = nodes(source)
    joined = ("\0".join(sequence[k : k + RUN]) for k in range(len(sequence) - RUN + 1))
    coded = (run.encode("utf-8", "surrogatepass") for run in joined)
    return [int.from_bytes(hashlib.blake2b(code, digest_size=8).digest()) for code in coded]


def winnowed(hashes: list[int]) -> set[int]:
    """The smallest of each `WINDOW` neighbours."""
    windows = max(1, len(hashes) - WINDOW + 1)
    return {min(hashes[k : k + WINDOW]) for k in range(windows if hashes else 0)}
