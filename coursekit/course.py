"""Where the course lies, and which package it teaches: the one setting that the engine reads.

The root of a course is the folder with ``exercises/expected``, the records of its sets. Its
``pyproject.toml`` names the package::

    [tool.coursekit]
    package = "resattn"
"""

import importlib
import importlib.util
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent
RECORDS = Path("exercises", "expected")


def upward(near: Path = Path()) -> Iterator[Path]:
    """Yield a folder and all that it lies in, the innermost first."""
    folder = near.resolve()
    yield from (folder, *folder.parents)


def course_root(near: Path = Path()) -> Path | None:
    """Return the root of the course that a folder lies in; None if it lies in none."""
    return next((each for each in upward(near) if (each / RECORDS).is_dir()), None)


def no_course(near: Path = Path()) -> ValueError:
    """Return the error for a command that was called outside any course."""
    here = f"{near.resolve()} lies in no course"
    home = course_root(HERE)
    return ValueError(f"{here}; go to {home} first" if home else f"{here}; go to your copy first")


def taught_package(near: Path = Path()) -> str:
    """Return the name of the taught package, from the first settings above ``near``.

    Without any there, the settings of the checkout that this engine runs from count.

    Raises:
        ValueError: one sentence, if no ``pyproject.toml`` has the setting.
    """
    return _taught(near.resolve())


def package_folder(name: str) -> Path:
    """Return the folder of an installed package, which is not imported.

    Raises:
        ValueError: one sentence, if there is no such package.
    """
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise ValueError(
            f"the course teaches the package {name!r}, which is not installed; run `make lab` once"
        )
    return Path(next(iter(found.submodule_search_locations))).resolve()


def exists(name: str) -> bool:
    """Return True if the taught package has this name: a module, or anything inside one."""
    package = taught_package()
    parts = name.removeprefix(package + ".").split(".")
    for depth in range(len(parts), -1, -1):
        try:
            found: object = importlib.import_module(".".join([package, *parts[:depth]]))
        except ModuleNotFoundError:
            continue
        for part in parts[depth:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


@cache
def _taught(folder: Path) -> str:
    for place in (*upward(folder), HERE.parent):
        settings = place / "pyproject.toml"
        if settings.is_file():
            tools = tomllib.loads(settings.read_text(encoding="utf-8")).get("tool", {})
            if name := tools.get("coursekit", {}).get("package"):
                return str(name)
    raise ValueError(
        f"no pyproject.toml above {folder} says which package the course teaches; call this in the "
        'course\'s folder, or add [tool.coursekit] with package = "name" to its pyproject.toml'
    )
