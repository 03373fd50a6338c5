"""Where a student's code reaches: for modules its task does not allow, or for ways around that."""

import ast
import warnings
from collections.abc import Iterable, Iterator

from IPython.core.inputtransformer2 import TransformerManager

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


def tree(source: str) -> ast.AST | None:
    """The syntax tree of a cell, magics made plain Python; None if the cell cannot run at all.

    What a magic such as `%%time` runs, which is text to Python, stands at its end.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            plain = TransformerManager().transform_cell(source)
            flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
            parsed = compile(plain, "<cell>", "exec", flags)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
    inner = [tree(text) for node in ast.walk(parsed) for text in _run_by_magic(node)]
    parsed.body += [statement for each in inner if each for statement in each.body]
    return parsed


def not_allowed(sources: Iterable[str], allowed: Iterable[str]) -> list[str]:
    """The modules that cells import, or name, though their task is to be written without."""
    found = {
        name
        for source in sources
        if (parsed := tree(source))
        for name in forbidden(parsed, allowed)
    }
    return sorted(found - _MODULES)


def around(sources: Iterable[str]) -> list[str]:
    """What cells use by which any module could be reached unseen: imports by name, frames, ..."""
    found = {
        name
        for source in sources
        if (parsed := tree(source))
        for node in ast.walk(parsed)
        for name in _around(node)
    }
    return sorted(found)


def _around(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (a.name for a in node.names if a.name.partition(".")[0] in _MODULES)
    elif isinstance(node, ast.ImportFrom):
        names = {alias.name for alias in node.names}
        if (node.module or "").partition(".")[0] in _MODULES:
            yield node.module
        if node.module == "sys":
            yield from (f"sys.{name}" for name in names & {"modules", "_getframe", "meta_path"})
    elif isinstance(node, ast.Name) and node.id in _CALLS | _ATTRIBUTES and not _magic(node):
        yield node.id
    elif isinstance(node, ast.Attribute):
        if node.attr in _ATTRIBUTES or ast.unparse(node) in ("sys.modules", "sys.meta_path"):
            yield node.attr
        elif ast.unparse(node) in ("os.system", "os.popen"):
            yield f"os.{node.attr}"
    elif isinstance(node, ast.Constant) and node.value in _ATTRIBUTES | {"__import__"}:
        yield str(node.value)
    for child in ast.iter_child_nodes(node):
        child.parent = node  # for `_magic`: ast.walk comes to the parents first


def _magic(name: ast.Name) -> bool:
    """Whether this get_ipython is that of a harmless magic, such as `%matplotlib inline`.

    The text of one is read like code (see `tree`), and so it must be code.
    """
    call = getattr(getattr(name, "parent", None), "parent", None)
    call = getattr(call, "parent", None) if not isinstance(call, ast.Call) else call
    first = call.args[0] if isinstance(call, ast.Call) and call.args else None
    return (
        name.id == "get_ipython"
        and isinstance(first, ast.Constant)
        and (first.value in _HARMLESS)
        and None not in map(tree, _run_by_magic(call))
    )


def _run_by_magic(node: ast.AST) -> Iterator[str]:
    """The texts that a call such as get_ipython().run_cell_magic('time', '', text) is given."""
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and (node.func.attr in ("run_cell_magic", "run_line_magic"))
    ):
        yield from (
            each.value
            for each in node.args[1:]
            if isinstance(each, ast.Constant) and isinstance(each.value, str)
        )
