"""The generated parts of README.md and docs/: tables between two markers, made from the code."""

import json
import re
from collections.abc import Callable
from pathlib import Path

from resattn import models
from resattn.experiments.reproduction import paper_table
from resattn.experiments.scales import SMALL
from resattn.experiments.tables import claims_table

from . import timings

_PART = re.compile(r"<!-- (\w+): begin -->\n(.*?)\n<!-- \1: end -->", re.DOTALL)
_LESSON = re.compile(r"^\| \*\*(\d\d)\*\* \| (.+?) \| (.+?) \|$", re.MULTILINE)


def renewed(text: str, root: Path) -> str:
    """Return a page's text with each generated part made anew; measured parts stay."""

    def part(found: re.Match[str]) -> str:
        name = found[1]
        body = MAKERS[name](root) if name in MAKERS else found[2]
        return f"<!-- {name}: begin -->\n{body}\n<!-- {name}: end -->"

    return _PART.sub(part, text)


def body(text: str, change: Callable[[str, str], str]) -> str:
    """Return a page's text without the markers; `change` gets each part's name and text."""
    return _PART.sub(lambda found: change(found[1], found[2]), text)


def lessons(root: Path) -> str:
    """Return the README's list of lessons: the map of lesson 00, with minutes and exercises."""
    lines = []
    for number, title, about in lesson_map(root):
        name = next((root / "course").glob(f"{number}_*.ipynb")).stem
        line = f"{number} [{title}](course/{name}.ipynb): {about}"
        line += f" · {timings.minutes(root, name)} min"
        if (root / "exercises" / f"{name}.ipynb").exists():
            _, asked = timings.asked(root, name).split(" | ")
            line += f" · [exercises](exercises/{name}.ipynb) {asked} min"
        lines.append(line)
    return "<br>\n".join(lines)


def lesson_map(root: Path) -> list[tuple[str, str, str]]:
    """Return the rows of lesson 00's map: number, title, what you find out."""
    notebook = json.loads((root / "course/00_start_here.ipynb").read_text(encoding="utf-8"))
    text = "\n".join("".join(cell["source"]) for cell in notebook["cells"])
    found = [
        (number, re.sub(r"\[(.+?)\]\(.+?\)", r"\1", title), about)
        for number, title, about in _LESSON.findall(text)
    ]
    if not found:
        raise ValueError("course/00_start_here.ipynb has lost the table of lessons under 'The map'")
    return found


MAKERS: dict[str, Callable[[Path], str]] = {
    "lessons": lessons,
    "presets": lambda root: models.table(),
    "claims": lambda root: claims_table(SMALL.name).replace("](resattn/", "](../resattn/"),
    "paper": lambda root: paper_table(),
}
"""How each generated part is made, by the name in its markers."""
