"""A small exercise set for tests: the worked task of `solutions/README.md`, made whole."""

import re
from pathlib import Path

from coursekit.source.build import derive
from coursekit.student.given import notebook_text

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
LESSON = notebook_text(
    [
        {
            "cell_type": "markdown",
            "id": "start",
            "metadata": {},
            "source": ["# Start\n", "Then [exercise set 01](../exercises/01_small.ipynb)."],
        },
        {
            "cell_type": "code",
            "id": "guess",
            "metadata": {},
            "source": ["guess = None"],
            "outputs": [],
            "execution_count": 1,
        },
        {
            "cell_type": "code",
            "id": "sum",
            "metadata": {},
            "source": ["print(1 + 1)"],
            "outputs": [{"name": "stdout", "output_type": "stream", "text": ["2\n"]}],
            "execution_count": 2,
        },
    ]
)
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


def small_course(root: Path) -> Path:
    """Make a course under a folder, as a student clones it: a lesson, its page, and one set."""
    solution = small_set(root)
    derive(solution)
    solution.unlink()
    solution.with_suffix(".toml").unlink()
    solution.parent.rmdir()
    (root / "course").mkdir()
    (root / "course/00_start.ipynb").write_text(LESSON, encoding="utf-8")
    (root / "course/00_start.py").write_text("# the source, for authors\n", encoding="utf-8")
    (root / "tests").mkdir()
    (root / "tests/test_one.py").touch()
    (root / "course/glossary.md").write_text(
        "[Set 01](../exercises/01_small.ipynb), [the tests](../tests/test_one.py), "
        "[the paper](https://arxiv.org/abs/1704.06904), `modules[0](x)`\n"
    )
    return root


def edit(path: Path, old: str, new: str) -> None:
    """Replace the first occurrence of a text that must be there."""
    text = path.read_text(encoding="utf-8")
    assert old in text, old
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
