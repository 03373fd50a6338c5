"""Which modules a piece of a student's code reaches for, beyond those that its task allows."""

import ast
import contextlib
import linecache
import sys
from collections.abc import Iterable, Iterator

from coursekit.course import taught_package

ALWAYS = frozenset(sys.stdlib_module_names) | {"torch", "numpy", "matplotlib"}
"""What any answer may import: the standard library, numpy, torch (and not torchvision), figures."""


def forbidden(tree: ast.AST, allowed: Iterable[str]) -> list[str]:
    """The modules that code imports, or names as `resattn.x.y`, which it should do without.

    ``allowed`` are modules such as ``"resattn.units"``; what lies inside them is allowed too.
    """
    fine, package = tuple(allowed), taught_package()
    found = {
        name
        for node in ast.walk(tree)
        for name in _reached(node, package)
        if name.partition(".")[0] not in ALWAYS
        and not any(name == each or name.startswith(each + ".") for each in fine)
    }
    return sorted(each for each in found if not any(each.startswith(o + ".") for o in found))


def reached_by(names: Iterable[str], allowed: Iterable[str], checked_in: str) -> list[str]:
    """The same for the cells of the running notebook that define these functions and classes.

    ``checked_in`` is the file name of the check's own cell, which may use what it likes.
    """
    main, found = sys.modules["__main__"], set()
    for name in names:
        thing = getattr(main, name, None)
        for each in (thing, *getattr(thing, "__dict__", {}).values()):
            code = getattr(each, "__code__", None)
            if code and code.co_filename != checked_in:
                with contextlib.suppress(SyntaxError):
                    tree = ast.parse("".join(linecache.getlines(code.co_filename)))
                    found.update(forbidden(tree, allowed))
    return sorted(found)


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
