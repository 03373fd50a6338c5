"""Modules that a student's code uses though its task does not allow them."""

import ast
import linecache
import sys
from collections.abc import Iterable, Iterator

from coursekit.course import taught_package

ALWAYS = frozenset(sys.stdlib_module_names) | {"torch", "numpy", "matplotlib"}
"""Packages that any answer may import; torchvision is none of them."""


def forbidden(tree: ast.AST, allowed: Iterable[str]) -> list[str]:
    """Return the modules that code imports, or names as `resattn.x.y`, without permission.

    ``allowed`` are modules such as ``"resattn.units"``; modules inside them are allowed too.
    """
    fine, package = tuple(allowed), taught_package()
    found = {
        name
        for node in ast.walk(tree)
        for name in _reached(node, package)
        if name.partition(".")[0] not in ALWAYS
        and not any(name == module or name.startswith(module + ".") for module in fine)
    }
    return sorted(
        name for name in found if not any(name.startswith(outer + ".") for outer in found)
    )


def defining_cells(names: Iterable[str], checked_in: str) -> list[str]:
    """Return the sources of the cells that define ``names`` in the running notebook.

    ``checked_in`` is the file name of the check's own cell, which may import anything.
    """
    main, files = sys.modules["__main__"], dict[str, None]()
    for name in names:
        thing = getattr(main, name, None)
        for function in (thing, *getattr(thing, "__dict__", {}).values()):
            code = getattr(function, "__code__", None)
            if code and code.co_filename != checked_in:
                files[code.co_filename] = None
    return ["".join(linecache.getlines(file)) for file in files]


def _reached(node: ast.AST, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        plain = [alias.name for alias in node.names if alias.name != package or alias.asname]
        yield from plain  # what is used of a plain `import package` is seen below
    elif isinstance(node, ast.ImportFrom):
        module = node.module or ""
        if module == package:
            yield from (f"{package}.{alias.name}" for alias in node.names)
        else:
            yield module
    elif isinstance(node, ast.Attribute):
        dotted = ast.unparse(node)
        if dotted.startswith(package + ".") and all(
            part.isidentifier() for part in dotted.split(".")
        ):
            yield dotted
