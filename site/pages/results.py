"""What was measured, as pages: the tables that docs/ and the command line show."""

from pathlib import Path

from resattn.experiments import RECIPES
from resattn.experiments.scales import SMALL
from resattn.experiments.tables import recipe_table

from .generated import body, renewed

FROM_DOCS = {
    "results/claims.md": "docs/claims.md",
    "results/paper.md": "docs/paper_table.md",
    "results/networks.md": "docs/networks.md",
    "results/bench.md": "docs/benchmarks.md",
}
"""The site's page to the file of the repository that it shows."""

STACKED = "{.stacked}"
"""Before a table of sentences: on a phone its cells stand below each other."""

NAMED = "{.named}"
"""Before a table of names, which are not broken at their hyphens."""

RUNS = "results/recipes.md"
ORDER = ("results/claims.md", RUNS, "results/paper.md", "results/networks.md", "results/bench.md")


def pages(root: Path) -> dict[str, str]:
    """The pages of `results/`, by their place."""
    made = {
        page: body(renewed((root / file).read_text(encoding="utf-8"), root), _shown)
        for page, file in FROM_DOCS.items()
    }
    return made | {RUNS: _page("Recorded runs", _INTRODUCTION, *_recipes())}


_INTRODUCTION = """\
Every experiment of the course, with what `python -m resattn train` recorded of it. `python -m
resattn results` prints these tables, and what they say of the field's claims is
[on trial here](claims.md).
"""


def _shown(name: str, table: str) -> str:
    """A generated table, marked for how it is laid out on a small screen."""
    return f"{_LAYOUT[name]}\n{table}" if name in _LAYOUT else table


_LAYOUT = {"paper": NAMED, "claims": STACKED}


def _recipes() -> list[str]:
    tables = (recipe_table(recipe, SMALL.name) for recipe in RECIPES.values())
    return [
        table.replace("### ", "## ", 1).replace("\n\n|", f"\n\n{NAMED}\n|", 1) for table in tables
    ]


def _page(title: str, *parts: str) -> str:
    return "\n".join([f"# {title}\n", *(f"{part.strip()}\n" for part in parts)])
