"""The map from the paper to the code, a page that is made and never edited.

`course/paper_to_code.toml` says which cell, which name of the taught package and which test belong
to each equation, figure and table; every target is checked before the page is made.
"""

import ast
import tomllib
from functools import cache
from pathlib import Path

from coursekit.course import exists, taught_package
from coursekit.source.pairs import REPAIR, read_source

SOURCE = Path("course/paper_to_code.toml")
PAGE = SOURCE.with_suffix(".md")
FIELDS = ("paper", "about", "cells", "code", "tests")

_HEAD = """\
# From the paper to the code

Every equation, figure and table of [the paper](https://arxiv.org/abs/1704.06904) that the course
rebuilds: the lesson's cell (its id, as reports name it), the name in `PACKAGE`, and the test that
holds it. Made from `paper_to_code.toml` by `python -m coursekit build`, which checks each target.

| in the paper | what it says | lesson: cell | `PACKAGE.` | test |
|---|---|---|---|---|
"""


def paper_map(root: Path) -> str:
    """Return the page, as Markdown.

    Raises:
        ValueError: one sentence, for an item that lacks a field or names what does not exist.
    """
    items = tomllib.loads((root / SOURCE).read_text(encoding="utf-8"))["item"]
    for item in items:
        if tuple(item) != FIELDS or not all(item.values()):
            raise ValueError(
                f"{SOURCE}: the item {item.get('paper', item)!r} must have {', '.join(FIELDS)}, "
                "in this order and none empty"
            )
    return (
        _HEAD.replace("PACKAGE", taught_package())
        + "\n".join(_row(item, root) for item in items)
        + "\n"
    )


def page_difference(root: Path) -> list[str]:
    """Return a sentence if the page is not what its source makes; none without a source."""
    if not (root / SOURCE).exists():
        return []
    page = root / PAGE
    if page.exists() and page.read_text(encoding="utf-8") == paper_map(root):
        return []
    return [f"{PAGE} is not what {SOURCE} makes; {REPAIR}"]


def _row(item: dict, root: Path) -> str:
    columns = (
        item["paper"],
        item["about"],
        "<br>".join(_cell(target, item, root) for target in item["cells"]),
        "<br>".join(_code(name, item) for name in item["code"]),
        "<br>".join(_test(target, item, root) for target in item["tests"]),
    )
    return "| " + " | ".join(columns) + " |"


def _cell(target: str, item: dict, root: Path) -> str:
    lesson, _, cell = target.partition("#")
    path = root / "course" / f"{lesson}.py"
    if not path.exists() or cell not in _cells(path):
        _lost(item, f"the cell {target}")
    return f"[{lesson[:2]}]({lesson}.ipynb): `{cell}`"


def _code(name: str, item: dict) -> str:
    if not exists(name):
        _lost(item, f"{taught_package()}.{name}")
    return f"`{name}`"


def _test(target: str, item: dict, root: Path) -> str:
    file, _, function = target.partition("::")
    path = root / "tests" / file
    if not path.exists() or function not in _functions(path):
        _lost(item, f"the test {target}")
    return f"[{function.removeprefix('test_').replace('_', ' ')}](../tests/{file})"


@cache
def _cells(path: Path) -> set[str]:
    return {cell.id for cell in read_source(path).cells}


@cache
def _functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def _lost(item: dict, what: str) -> None:
    raise ValueError(f"{SOURCE}: {item['paper']!r} names {what}, which does not exist")
