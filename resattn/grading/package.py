"""The part of `resattn` that a student's kernel sees: what the set's own cells use, and no more.

A kernel's copy holds the modules that the pristine notebook imports, and what those import; so an
answer cannot look its solution up where its set does not need it.
"""

import ast
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import resattn

HOME = Path(resattn.__file__).parent
ALWAYS = ("resattn.classroom.check", *(f"resattn.grading.kernels.{path.stem}" for path in sorted(
    (HOME / "grading" / "kernels").glob("[a-z]*.py"))))


def copy(sources: Iterable[str], target: Path) -> list[str]:
    """Copy what these pieces of code need of the package into a folder; returns its modules."""
    names = needed(sources)
    for name in names:
        path = _path(name)
        place = target / path.relative_to(HOME.parent)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
        if path.name == "__init__.py" and path.parent != HOME:
            _copy_data(path.parent, place.parent)
    for place in (target, *target.rglob("*")):  # root's kernels are another user's
        place.chmod(0o755 if place.is_dir() else 0o644)
    return names


def needed(sources: Iterable[str]) -> list[str]:
    """The modules of the package that code reaches for, directly or through other modules."""
    waiting = {*ALWAYS, *(name for source in sources for name in _imported(ast.parse(source)))}
    found: set[str] = set()
    while waiting - found:
        name = (waiting - found).pop()
        found.add(name)
        waiting |= {name.rpartition(".")[0]} - {""}
        if name != "resattn":  # which fetches what it offers only when it is asked
            path = _path(name)
            package = name if path.name == "__init__.py" else name.rpartition(".")[0]
            tree = ast.parse(path.read_text(encoding="utf-8"))
            waiting |= set(_imported(tree, package))
    return sorted(found)


def _imported(tree: ast.AST, package: str = "") -> Iterator[str]:
    """The modules of `resattn` that code imports or names; not those for type checkers.

    ``package`` is where the code stands, for imports that begin with a dot.
    """
    if isinstance(tree, ast.If) and ast.unparse(tree.test) == "TYPE_CHECKING":
        return
    if isinstance(tree, ast.Import):
        for alias in tree.names:
            yield from _home(alias.name)
    elif isinstance(tree, ast.ImportFrom):
        above = package.split(".")[: 1 - tree.level or None] if tree.level else []
        module = ".".join([*above, *([tree.module] if tree.module else [])])
        for alias in tree.names:
            yield from _home(f"{module}.{alias.name}")
    elif isinstance(tree, ast.Attribute):
        yield from _home(ast.unparse(tree))
    for child in ast.iter_child_nodes(tree):
        yield from _imported(child, package)


def _home(dotted: str) -> Iterator[str]:
    """The module that a dotted name is in, if it is of this package."""
    parts = dotted.split(".")
    if parts[0] != "resattn" or not all(part.isidentifier() for part in parts):
        return
    if len(parts) > 1 and parts[1] in resattn._HOMES:
        parts = ["resattn", *resattn._HOMES[parts[1]].split(".")]
    while len(parts) > 1 and not _path(".".join(parts)).is_file():
        parts.pop()
    yield ".".join(parts)


def _path(name: str) -> Path:
    place = HOME.joinpath(*name.split(".")[1:])
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def _copy_data(source: Path, target: Path) -> None:
    """The files of a package that are not modules, such as recorded results."""
    for path in source.rglob("*"):
        inner = path.relative_to(source)
        if path.is_file() and path.suffix not in (".py", ".pyc"):
            place = target / inner
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
