"""Rules for every lesson: sections, length, text for each figure, no number that no cell shows.

The rules read the executed notebook; nothing is run. Each fault is one sentence that names a cell.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from nbformat import NotebookNode

from coursekit.course import exists, taught_package

SECTIONS = ("What you will build", "Why it matters", "What you measured", "Recap", "Where next")
WORDS = (900, 1800)
CODE_LINES, LINE_LENGTH = 25, 88
GUESS = "change me before you run on"
WITHOUT_EXERCISES = ("00", "10", "12", "91")
NETWORKED = {"urllib", "requests", "http", "socket", "ftplib", "httpx", "aiohttp"}
LARGEST_PLAIN = 12
"""Whole numbers up to this one are words like any other: two cores, twelve images."""

_NUMBER = re.compile(r"(?<![A-Za-z]-)(?<![\w.])\d[\d,]*(?:\.\d+)?(?!\w)")
_REFERENCE = re.compile(
    r"\b(?:lesson|section|equation|figure|table|claim|exercise set)s?\s+\d+(?:\.\d+)?"
    r"(?:(?:,| and| to| or)\s+\d+)*",
    re.IGNORECASE,
)
_NOT_PROSE = re.compile(
    r"\A# \d\d |"
    r"```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$\n]*\$|\]\([^)]*\)|arXiv [\d.]+|\b(?:19|20)\d\d\b",
    re.DOTALL,
)
_DOTTED = re.compile(r"`([a-z]\w*(?:\.\w+)+)`")


def faults(notebook: NotebookNode, path: Path, *, quotable: frozenset[float]) -> list[str]:
    """Return one sentence per fault of a lesson.

    Args:
        notebook: with its outputs, as stored beside its source.
        path: its place; the name begins with the lesson's number.
        quotable: numbers that prose may quote, see `numbers_in`.
    """
    loose = [
        f"cell {where!r}: no cell shows the {number} of its prose; print it, or leave it out"
        for where, number in loose_numbers(notebook, quotable)
    ]
    found = [*_shape(notebook, path), *_code(notebook), *_figures(notebook), *loose]
    return [f"{path.name}: {fault}" for fault in found]


def words(notebook: NotebookNode) -> int:
    """Return the number of words in text cells, without tables."""
    prose = "\n".join(
        line
        for cell in _of_type(notebook, "markdown")
        for line in cell.source.splitlines()
        if not line.lstrip().startswith("|")
    )
    return len(re.findall(r"[A-Za-z][\w'’-]*", prose))


def loose_numbers(notebook: NotebookNode, quotable: frozenset[float]) -> Iterator[tuple[str, str]]:
    """Yield cell and number for each number in prose that nothing in the notebook shows.

    A number may stand in prose if it occurs in code or in a stored text output (a percentage also
    as a share), or if papers report it (``quotable``). Whole numbers up to twelve, references such
    as "lesson 07" or "table 3", and names such as ResNet-164 are free. Code spans, formulas, links,
    years and the number in the title are not read.
    """
    shown = set(quotable)
    for cell in _of_type(notebook, "code"):
        shown |= _numbers(cell.source)
        for output in cell.get("outputs", []):
            shown |= _numbers(output.get("text") or output.get("data", {}).get("text/plain", ""))
    for cell in _of_type(notebook, "markdown"):
        text = _REFERENCE.sub(" ", _NOT_PROSE.sub(" ", cell.source))
        for match in _NUMBER.finditer(text):
            value = float(match[0].replace(",", ""))
            per_cent = text[match.end() :].lstrip().startswith(("%", "per cent"))
            plain = value.is_integer() and value <= LARGEST_PLAIN and not per_cent
            as_share = per_cent and round(value / 100, 9) in shown
            if not (plain or as_share or value in shown):
                yield cell.id, match[0]


def numbers_in(module: ModuleType) -> frozenset[float]:
    """Return the numbers in a module's constants that are recognisable as quotations.

    These are fractions and numbers of at least a thousand; 15 or 224 may come from anywhere.
    """

    def walk(value: object) -> Iterator[float]:
        if isinstance(value, dict | list | tuple):
            for inner in value.values() if isinstance(value, dict) else value:
                yield from walk(inner)
        elif isinstance(value, int | float) and (value >= 1000 or value != int(value)):
            yield float(value)

    return frozenset(walk([value for name, value in vars(module).items() if name.isupper()]))


def _shape(notebook: NotebookNode, path: Path) -> Iterator[str]:
    number = path.name[:2]
    prose = "\n".join(cell.source for cell in _of_type(notebook, "markdown"))
    if not re.match(rf"# (?:{number} )?\S", notebook.cells[0].source):
        yield f"its first cell is not a title such as '# {number} What it is'"
    headings = re.findall(r"^## +(.+?) *$", prose, re.MULTILINE)
    if [heading for heading in headings if heading in SECTIONS] != list(SECTIONS):
        yield f"its sections must include, in this order: {', '.join(SECTIONS)}"
    if not WORDS[0] <= (count := words(notebook)) <= WORDS[1]:
        yield f"it has {count} words; a lesson has {WORDS[0]} to {WORDS[1]}"
    if not any(GUESS in cell.source for cell in _of_type(notebook, "code")):
        yield f"it asks for no prediction; store a guess in a cell, with the comment '{GUESS}'"
    if number in WITHOUT_EXERCISES:
        return
    if f"[exercise set {number}](../exercises/{number}_" not in prose.lower():
        yield f"it does not link to [exercise set {number}](../exercises/{number}_...)"
    last = prose[prose.rfind("## Where next") :]
    package = taught_package()
    if f"Where this lives in `{package}`" not in last:
        yield f"its end does not say 'Where this lives in `{package}`'"
    for name in _DOTTED.findall(last):
        if not exists(name):
            yield f"its end names `{name}`, which is not in `{package}`"


def _code(notebook: NotebookNode) -> Iterator[str]:
    for cell in _of_type(notebook, "code"):
        lines = cell.source.splitlines()
        if len(lines) > CODE_LINES:
            yield f"cell {cell.id!r}: {len(lines)} lines of code; at most {CODE_LINES}, so split it"
        if (longest := max(map(len, lines), default=0)) > LINE_LENGTH:
            yield f"cell {cell.id!r}: a line of {longest} characters; at most {LINE_LENGTH}"
        try:
            tree = ast.parse(cell.source)
        except SyntaxError:
            yield f"cell {cell.id!r}: is not plain Python; take magics and shell lines out"
            continue
        for node in ast.walk(tree):
            yield from (f"cell {cell.id!r}: {fault}" for fault in _reaching_out(node))


def _reaching_out(node: ast.AST) -> Iterator[str]:
    """Yield a sentence if a lesson uses the network, or starts worker processes unasked."""
    modules = []
    if isinstance(node, ast.Import):
        modules = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        modules = [node.module or ""]
    for module in modules:
        if module.split(".")[0] in NETWORKED:
            yield f"imports {module}, and lessons need no network"
    if isinstance(node, ast.keyword) and isinstance(node.value, ast.Constant) and node.value.value:
        if node.arg == "num_workers":
            yield "num_workers must stay 0, as notebooks on every system can run it"
        if node.arg == "download":
            yield "downloads, and lessons need no network"


def _figures(notebook: NotebookNode) -> Iterator[str]:
    for cell in _of_type(notebook, "code"):
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                alt = output.get("metadata", {}).get("image/png", {}).get("alt", "")
                if not alt.strip():
                    yield f"cell {cell.id!r}: its figure has no alternative text; use plots.show"


def _numbers(text: str) -> set[float]:
    digits = re.findall(r"\d[\d,]*(?:\.\d+)?", text.replace("_", ""))
    return {float(number.replace(",", "")) for number in digits}


def _of_type(notebook: NotebookNode, kind: str) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == kind]
