"""Whether a dotted name that a page or a lesson mentions is there."""

from importlib import import_module

from coursekit.course import taught_package


def exists(name: str) -> bool:
    """Whether the taught package has this name: a module, or anything inside one."""
    package = taught_package()
    parts = name.removeprefix(package + ".").split(".")
    for depth in range(len(parts), -1, -1):
        try:
            found: object = import_module(".".join([package, *parts[:depth]]))
        except ModuleNotFoundError:
            continue
        for part in parts[depth:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False
