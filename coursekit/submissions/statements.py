"""Code as text: cut into statements, by its margins if it does not parse, and out of fences."""

import ast
import re
import warnings
from dataclasses import dataclass

_DEFINITION = re.compile(r"^(?:(?:async\s+)?(?:def|class)\s+(\w+)|(\w+)\s*=\s*lambda\b)", re.M)
_CONTINUES = re.compile(r"[\s)\]}#]|$|(?:else|elif|except|finally)\b")
_FENCE = re.compile(r" {0,3}(```+|~~~+)")


@dataclass(frozen=True)
class Statement:
    """One statement at the top level of a cell."""

    source: str
    above: str  # comments and blank lines before it
    defines: str | None  # the function or class that it defines
    imports: bool


def statements(source: str) -> tuple[Statement, ...]:
    """Return the statements of a cell, in order, each with the comments and blank lines above."""
    lines = source.split("\n")
    found, done = [], 0
    for start, end in _spans(source, lines):
        text = "\n".join(lines[start:end])
        definition = _DEFINITION.search(text)  # below its decorators
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
    """Return the functions and classes that a cell defines."""
    return frozenset(statement.defines for statement in statements(source) if statement.defines)


def bare(source: str) -> str:
    """Return a text without blanks at the ends of its lines and blank lines around it."""
    return "\n".join(line.rstrip() for line in source.strip().split("\n"))


def unfenced(source: str) -> str:
    """Return the code in the fences of a text; the text itself if it has none."""
    code, fence = [], ""
    for line in source.split("\n"):
        mark = _FENCE.match(line)
        if fence and mark and mark[1].startswith(fence):
            fence = ""
        elif fence:
            code.append(line)
        elif mark:
            fence = mark[1]
    return "\n".join(code) or source


def _spans(source: str, lines: list[str]) -> list[tuple[int, int]]:
    """Return the first line of each statement, and the line after its last one."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _margins(lines)
    spans: list[tuple[int, int]] = []
    for node in body:
        decorators = getattr(node, "decorator_list", [])
        start = min([node.lineno, *(decorator.lineno for decorator in decorators)]) - 1
        end = node.end_lineno or node.lineno
        if spans and start < spans[-1][1]:  # a = 1; b = 2
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
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
