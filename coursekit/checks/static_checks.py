"""Search a student's code for modules that its task forbids, and for ways to reach them unseen.

The grader withholds points for these; the checks of the notebook and `check` warn of the same.
"""

import ast
import warnings
from collections.abc import Iterable, Iterator

from coursekit.checks.imports import forbidden

_MODULES = frozenset(
    """builtins ctypes gc imp importlib inspect IPython ipykernel marshal
    multiprocessing pdb pkgutil runpy subprocess zipimport""".split()
)
_CALLS = frozenset("__import__ breakpoint compile eval exec get_ipython globals".split())
_ATTRIBUTES = frozenset(
    """__builtins__ __globals__ __loader__ __subclasses__ _getframe f_back
    _ip f_builtins f_globals f_locals gi_frame tb_frame settrace setprofile""".split()
)
_HARMLESS = ("matplotlib", "time", "timeit", "config", "precision")


def tree(source: str) -> ast.Module | None:
    """Return the syntax tree of a cell, magics made plain Python; None if the cell cannot run.

    The code that a magic such as `%%time` runs is text to Python; it stands at the tree's end.
    """
    from IPython.core.inputtransformer2 import TransformerManager  # a second, where it is not yet

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            plain = TransformerManager().transform_cell(source)
            flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
            parsed: ast.Module = compile(plain, "<cell>", "exec", flags)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
    inner = [tree(text) for node in ast.walk(parsed) for text in _run_by_magic(node)]
    parsed.body += [statement for module in inner if module for statement in module.body]
    return parsed


def not_allowed(sources: Iterable[str], allowed: Iterable[str]) -> list[str]:
    """Return the modules that cells import or name, though their task is to be written without."""
    found = {
        name
        for source in sources
        if (parsed := tree(source))
        for name in forbidden(parsed, allowed)
    }
    return sorted(found - _MODULES)


def workarounds(sources: Iterable[str]) -> list[str]:
    """Return what cells use to reach any module unseen: imports by name, frames, and the like."""
    found = {
        name for source in sources if (parsed := tree(source)) for name in _workarounds(parsed)
    }
    return sorted(found)


def withheld(ways: Iterable[str]) -> str:
    """Return the warning about workarounds in an answer."""
    return (
        f"The answer uses {', '.join(ways)}, which can reach any module unseen: in grading its "
        "points wait for your instructor; write it without."
    )


def _workarounds(parsed: ast.Module) -> Iterator[str]:
    harmless = {name for node in ast.walk(parsed) if (name := _of_harmless_magic(node))}
    for node in ast.walk(parsed):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.partition(".")[0] in _MODULES)
        elif isinstance(node, ast.ImportFrom):
            module, names = node.module or "", {alias.name for alias in node.names}
            if module.partition(".")[0] in _MODULES:
                yield module
            if module == "sys":
                yield from (f"sys.{name}" for name in names & {"modules", "_getframe", "meta_path"})
        elif isinstance(node, ast.Name) and node.id in _CALLS | _ATTRIBUTES:
            if node not in harmless:
                yield node.id
        elif isinstance(node, ast.Attribute):
            if node.attr in _ATTRIBUTES or ast.unparse(node) in ("sys.modules", "sys.meta_path"):
                yield node.attr
            elif ast.unparse(node) in ("os.system", "os.popen"):
                yield f"os.{node.attr}"
        elif isinstance(node, ast.Constant) and node.value in _ATTRIBUTES | {"__import__"}:
            yield str(node.value)


def _of_harmless_magic(node: ast.AST) -> ast.AST | None:
    """Return the name `get_ipython` in the call of a harmless magic, such as `%matplotlib inline`.

    The text that such a magic runs is read like code (see `tree`), and so it must be code.
    """
    match node:
        case ast.Call(
            func=ast.Attribute(
                value=ast.Call(func=ast.Name(id="get_ipython") as name),
                attr="run_line_magic" | "run_cell_magic",
            ),
            args=[ast.Constant(value=magic), *_],
        ) if magic in _HARMLESS and None not in map(tree, _run_by_magic(node)):
            return name
    return None


def _run_by_magic(node: ast.AST) -> Iterator[str]:
    """Yield the texts in a call such as get_ipython().run_cell_magic('time', '', text)."""
    match node:
        case ast.Call(
            func=ast.Attribute(attr="run_line_magic" | "run_cell_magic"), args=[_, *rest]
        ):
            for argument in rest:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.value
