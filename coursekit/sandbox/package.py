"""Copy the part of the taught package that a student's kernel sees: the modules that its set uses.

The copy holds the modules that the pristine notebook imports, and all that those import. So an
answer cannot look up its solution where its set does not need it. Of the engine, the copy holds
the checks and the modules that start a kernel.
"""

import ast
import os
import shutil
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from coursekit.course import HERE as ENGINE
from coursekit.course import package_folder, taught_package

ALWAYS = (
    "coursekit.checks",
    *(
        f"coursekit.sandbox.{name}"
        for name in (
            "alone",
            "client",
            "guard",
            "kernel",
            "landlock",
            "levels",
            "libc",
            "limits",
            "namespaces",
            "seccomp",
            "server",
        )
    ),
)


def hidden() -> tuple[Path, ...]:
    """Return the folders that no kernel may see: those of the engine and of the taught package."""
    return tuple(_folders().values())


def copy(sources: Iterable[str], target: Path) -> list[str]:
    """Copy what these pieces of code need into a folder; returns the modules' names."""
    names = needed(sources)
    for place, path in files(names).items():
        (target / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target / place)
    for place in (target, *target.rglob("*")):  # root's kernels are another user's
        place.chmod(0o755 if place.is_dir() else 0o644)
    return names


def files(names: Iterable[str]) -> dict[Path, Path]:
    """Return the files of modules, and the data of packages, by their places in a copy."""
    found = {}
    for name in names:
        path, top = _path(name), _folders()[name.partition(".")[0]]
        found[path.relative_to(top.parent)] = path
        if path.name == "__init__.py" and path.parent != top:
            for data in path.parent.rglob("*"):
                if data.is_file() and data.suffix not in (".py", ".pyc"):
                    found[data.relative_to(top.parent)] = data
    return found


def needed(sources: Iterable[str], always: Iterable[str] = ALWAYS) -> list[str]:
    """Return the modules that code reaches for, directly or through other modules."""
    waiting = {*always, *(name for source in sources for name in _imported(ast.parse(source)))}
    found: set[str] = set()
    while waiting - found:
        name = (waiting - found).pop()
        found.add(name)
        waiting |= {name.rpartition(".")[0]} - {""}
        if name != taught_package():  # which fetches what it offers only when it is asked
            path = _path(name)
            package = name if path.name == "__init__.py" else name.rpartition(".")[0]
            tree = ast.parse(path.read_text(encoding="utf-8"))
            waiting |= set(_imported(tree, package))
    return sorted(found)


def _imported(tree: ast.AST, package: str = "") -> Iterator[str]:
    """Yield the modules of both packages that code imports or names; not those for type checkers.

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
    """Yield the module that a dotted name is in, if it is of one of the two packages."""
    parts = dotted.split(".")
    if parts[0] not in _folders() or not all(part.isidentifier() for part in parts):
        return
    if len(parts) > 1 and parts[0] == taught_package() and parts[1] in _offered(parts[0]):
        parts = _offered(parts[0])[parts[1]].split(".")
    while len(parts) > 1 and not _is_module(_path(".".join(parts))):
        parts.pop()
    yield ".".join(parts)


@cache
def _is_module(path: Path) -> bool:
    """Return True if a file exists under exactly this name.

    On some systems `Check.py` opens `check.py`, which Python would not import by that name.
    """
    return path.is_file() and path.name in os.listdir(path.parent)


@cache
def _offered(package: str) -> dict[str, str]:
    """Return the names that a package offers on first use, each with its module.

    They are what its ``__init__.py`` imports for type checkers.
    """
    tree = ast.parse((package_folder(package) / "__init__.py").read_text(encoding="utf-8"))
    return {
        alias.asname or alias.name: node.module or ""
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(package + ".")
        for alias in node.names
    }


def _folders() -> dict[str, Path]:
    """Return the folders of both packages by name."""
    name = taught_package()
    return {"coursekit": ENGINE, name: package_folder(name)}


def _path(name: str) -> Path:
    top, *rest = name.split(".")
    place = _folders()[top].joinpath(*rest)
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
