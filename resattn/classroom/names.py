"""Whether a dotted name that a page or a lesson mentions is there."""

from importlib import import_module


def exists(name: str) -> bool:
    """Whether ``resattn`` has this name: a module, or anything that can be had from one."""
    parts = name.removeprefix("resattn.").split(".")
    for depth in range(len(parts), -1, -1):
        try:
            found: object = import_module(".".join(["resattn", *parts[:depth]]))
        except ModuleNotFoundError:
            continue
        for part in parts[depth:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False
