"""What was measured, as pages: the tables that the README and the command line show."""

import re
from pathlib import Path

from resattn import models
from resattn.experiments import RECIPES
from resattn.experiments.reproduction import paper_table
from resattn.experiments.scales import SMALL
from resattn.experiments.tables import claims_table, recipe_table

FROM_README = {
    "results/claims.md": "Fourteen claims on trial",
    "results/paper.md": "The paper's own task",
    "results/networks.md": "The networks",
    "results/bench.md": "Measured",
}
"""Pages that show a section of the README."""

TITLES = {"results/bench.md": "What things cost"}
"""Of pages whose section is headed too shortly for a list of all pages."""

STACKED = "{.stacked}"
"""Before a table of sentences: on a phone its cells stand below each other."""

NAMED = "{.named}"
"""Before a table of names, which are not broken at their hyphens."""

RUNS = "results/recipes.md"
ORDER = ("results/claims.md", RUNS, "results/paper.md", "results/networks.md", "results/bench.md")


def pages(root: Path) -> dict[str, str]:
    """The pages of `results/`, by their place."""
    readme = (root / "README.md").read_text(encoding="utf-8")
    made = {
        page: _page(TITLES.get(page, name), section(readme, name))
        for page, name in FROM_README.items()
    }
    return made | {RUNS: _page("Recorded runs", _INTRODUCTION, *_recipes())}


_INTRODUCTION = """\
Every experiment of the course, with what `python -m resattn train` recorded of it. `python -m
resattn results` prints these tables, and what they say of the field's claims is
[on trial here](claims.md).
"""


def section(readme: str, heading: str) -> str:
    """A section of the README without its heading, its generated part made anew.

    Raises:
        ValueError: if the README has no such section.
    """
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", readme, re.M | re.S)
    if not found:
        raise ValueError(f"README.md has no section '## {heading}', which the site shows")
    return re.sub(r"<!-- (\w+): begin -->\n(.*?)\n<!-- \1: end -->", _made, found[1], flags=re.S)


def _made(part: re.Match) -> str:
    make = {"presets": models.table, "paper": _paper, "claims": _claims}.get(part[1])
    return make() if make else part[2]


def _paper() -> str:
    return f"{NAMED}\n{paper_table()}"


def _claims() -> str:
    return f"{STACKED}\n{claims_table(SMALL.name)}"


def _recipes() -> list[str]:
    tables = (recipe_table(recipe, SMALL.name) for recipe in RECIPES.values())
    return [
        table.replace("### ", "## ", 1).replace("\n\n|", f"\n\n{NAMED}\n|", 1) for table in tables
    ]


def _page(title: str, *parts: str) -> str:
    return "\n".join([f"# {title}\n", *(f"{part.strip()}\n" for part in parts)])
