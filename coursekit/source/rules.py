"""What each cell of a task must be: refused with one sentence if it is not."""

import ast
import re
from collections.abc import Iterator

from nbformat import NotebookNode

from coursekit.checks.imports import forbidden
from coursekit.source.markers import Malformed, regions

FIELDS = {"difficulty": int, "minutes": int, "imports": list, "needs": list}
_HINT = re.compile(r"<details><summary>Hint (\d)</summary>\s*(.*?)\s*</details>", re.DOTALL)


def fields(head: NotebookNode) -> dict:
    """The fields of a task's heading."""
    fields = head.metadata.task
    if not isinstance(fields, dict):
        raise Malformed(head, 'needs task={"difficulty": 1 to 5, "minutes": m}')
    for name, value in fields.items():
        if not isinstance(value, FIELDS.get(name, ())):
            raise Malformed(
                head,
                f"its field {name!r} is unknown or of the wrong kind; a task has "
                + ", ".join(f"{key} ({kind.__name__})" for key, kind in FIELDS.items()),
            )
    if fields.get("difficulty") not in range(1, 6) or fields.get("minutes", 0) < 1:
        raise Malformed(head, 'needs task={"difficulty": 1 to 5, "minutes": m}')
    return dict(fields)


def names(answer: NotebookNode, allowed: set[str]) -> Iterator[str]:
    """The functions and classes that an answer cell defines."""
    regions(answer)
    tree = parsed(answer)
    strange = forbidden(tree, allowed)
    if strange:
        raise Malformed(answer, f"reaches for {', '.join(strange)}, which its task's imports omit")
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif not isinstance(node, ast.Import | ast.ImportFrom):
            raise Malformed(
                answer,
                f"line {node.lineno} is no function, class or import; "
                "everything a student writes is one of these",
            )


def check(cell: NotebookNode) -> None:
    """Refuse a check cell that could not tell right from wrong."""
    positive(cell, "points")
    tree = parsed(cell)
    calls = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    if f"check = Check('{cell.id}')" not in [ast.unparse(node) for node in tree.body]:
        raise Malformed(cell, f'must contain the line check = Check("{cell.id}")')
    if not {"check", "check.measure"} & set(calls):
        raise Malformed(
            cell,
            "prints no line of what the student's code computes: "
            'call check("label", function, ...) in it',
        )
    if any(isinstance(node, ast.Assert) for node in ast.walk(tree)):
        raise Malformed(cell, "asserts; let check(...) print the value, and the record judge it")
    if not tree.body or ast.unparse(tree.body[-1]) != "check.done()":
        raise Malformed(cell, "must end with check.done()")


def positive(cell: NotebookNode, field: str) -> None:
    """Refuse a cell without a whole number of at least 1 in this field."""
    value = cell.metadata.get(field)
    if type(value) is not int or value < 1:
        raise Malformed(cell, f"needs {field}=n, a whole number of at least 1, on its first line")


def hints(cell: NotebookNode) -> list[str]:
    """The hints of a task, from gentle to nearly all of it."""
    found = _HINT.findall(cell.source)
    numbers = [int(number) for number, _ in found]
    if len(found) < 2 or numbers != list(range(1, len(found) + 1)):
        raise Malformed(
            cell,
            "needs at least two folds, gentle to nearly all of it: "
            "<details><summary>Hint 1</summary> ... </details>, then Hint 2",
        )
    return [text for _, text in found]


def parsed(cell: NotebookNode) -> ast.Module:
    """The syntax tree of a cell; refuses what is not plain Python."""
    try:
        return ast.parse(cell.source)
    except SyntaxError as error:
        raise Malformed(cell, f"is not plain Python, line {error.lineno}: {error.msg}") from None
