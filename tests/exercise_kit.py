"""A small exercise set for tests: the worked task of `solutions/README.md`, made whole."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "solutions" / "README.md").read_text(encoding="utf-8")
TASK = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1]
TRIED = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)[1]

TOP = """\
# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises 01: squares
#
# One small task.

# %% setup
from coursekit.checks import Check, exercise_set

exercise_set("01_small")

"""
MORE = {
    "twice": ("you added x to its size", "x + x.abs()"),
    "cube": ("you took the third power", "x * x * x"),
    "size": ("you returned the size alone", "x.abs()"),
    "negative": ("the sign is turned round", "-x * x.abs()"),
    "transposed": ("rows and columns have changed places", "(x * x.abs()).transpose(2, 3)"),
}


def solution_text() -> str:
    """The percent file."""
    return TOP + TASK


def tried_text() -> str:
    """The answers that try its check."""
    return TRIED + "".join(
        f'\n[[square.wrong]]\nname = "{name}"\nsays = "{says}"\n'
        f'old = "x * x.abs()"\nnew = "{new}"\n'
        for name, (says, new) in MORE.items()
    )


def small_set(root: Path) -> Path:
    """Write both files under a folder; returns the percent file."""
    path = root / "solutions" / "01_small.py"
    path.parent.mkdir(parents=True)
    path.write_text(solution_text(), encoding="utf-8")
    path.with_suffix(".toml").write_text(tried_text(), encoding="utf-8")
    return path


def edit(path: Path, old: str, new: str) -> None:
    """Replace the first occurrence of a text that must be there."""
    text = path.read_text(encoding="utf-8")
    assert old in text, old
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
