"""Where the course is published, if anywhere: what launch buttons and links to sources need."""

import os
import re
import tomllib
from pathlib import Path

SETTING = "COURSEKIT_REPOSITORY"
BRANCH = "main"
_SHAPE = re.compile(r"https://github\.com/[\w.-]+/[\w.-]+")


def repository(root: Path) -> str | None:
    """The repository's address on GitHub; None where it is not known.

    The environment variable COURSEKIT_REPOSITORY decides, else `Repository` under `[project.urls]`
    in pyproject.toml.

    Raises:
        ValueError: if it is no address of a repository on GitHub.
    """
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = os.environ.get(SETTING) or project.get("urls", {}).get("Repository")
    if found and not _SHAPE.fullmatch(found := found.rstrip("/").removesuffix(".git")):
        raise ValueError(
            f"{SETTING} is {found!r}; launch buttons need https://github.com/OWNER/NAME, "
            "or leave it empty for none"
        )
    return found or None
