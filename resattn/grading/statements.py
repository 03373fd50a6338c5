"""A cell's code cut into its statements as text; code that does not parse is cut by its margins."""

import ast
import re
import warnings
from dataclasses import dataclass
from functools import lru_cache

_DEFINITION = re.compile(r"(?:async\s+)?(?:def|class)\s+(\w+)|(\w+)\s*=\s*lambda\b")
_CONTINUES = re.compile(r"[\s)\]}#]|$|(?:else|elif|except|finally)\b")


@dataclass(frozen=True)
class Statement:
    """One statement at the top level of a cell."""

    source: str
    above: str  # comments and blank lines before it
    defines: str | None  # the function or class that it defines
    imports: bool


@lru_cache(512)
def statements(source: str) -> tuple[Statement, ...]:
    """The statements of a cell, in order; together with what is above them they are its text."""
    lines = source.split("\n")
    found, done = [], 0
    for start, end in _spans(source, lines):
        text = "\n".join(lines[start:end])
        bare = "\n".join(line for line in text.split("\n") if not line.startswith("@"))
        definition = _DEFINITION.match(bare)
        found.append(
            Statement(
                text,
                "".join(line + "\n" for line in lines[done:start]),
                (definition[1] or definition[2]) if definition else None,
                text.startswith(("import ", "from ")),
            )
        )
        done = end
    return tuple(found)


def defined(source: str) -> frozenset[str]:
    """The functions and classes that a cell defines."""
    return frozenset(each.defines for each in statements(source) if each.defines)


def _spans(source: str, lines: list[str]) -> list[tuple[int, int]]:
    """First line and line after the last of each statement; a line holds the last on it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _margins(lines)
    spans: list[tuple[int, int]] = []
    for node in body:
        decorators = getattr(node, "decorator_list", [])
        start = min([node.lineno, *(each.lineno for each in decorators)]) - 1
        if spans and start < spans[-1][1]:  # a = 1; b = 2
            spans[-1] = (spans[-1][0], node.end_lineno)
        else:
            spans.append((start, node.end_lineno))
    return spans


def _margins(lines: list[str]) -> list[tuple[int, int]]:
    starts, decorated = [], False
    for k, line in enumerate(lines):
        if not _CONTINUES.match(line):
            if not decorated:
                starts.append(k)
            decorated = line.startswith("@")
    spans = []
    for start, following in zip(starts, [*starts[1:], len(lines)], strict=True):
        end = following
        while end > start + 1 and (not lines[end - 1].strip() or lines[end - 1].startswith("#")):
            end -= 1
        spans.append((start, end))
    return spans
