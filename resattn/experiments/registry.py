"""All recipes, and to which of them a run belongs."""

from collections.abc import Iterable
from importlib import import_module

from resattn.checks import check_choice
from resattn.experiments.names import QUESTIONS
from resattn.experiments.paper import PAPER_RECIPES
from resattn.experiments.recipe import Recipe, Run, Variant

RECIPES: dict[str, Recipe] = {
    name: import_module(f"resattn.experiments.questions.{name}").RECIPE for name in QUESTIONS
}
"""By name, in the order in which `train all` runs them."""

EVERY_RECIPE: dict[str, Recipe] = RECIPES | PAPER_RECIPES
"""With the paper's own tasks, which need data and a GPU."""


def get_recipe(name: str) -> Recipe:
    """The recipe of that name. Raises ValueError for an unknown one, naming the nearest."""
    check_choice("recipe", name, EVERY_RECIPE)
    return EVERY_RECIPE[name]


def runs_of(
    recipe: Recipe,
    scale: str,
    *,
    variants: Iterable[str] | None = None,
    seeds: Iterable[int] | None = None,
) -> dict[str, list[Run]]:
    """The runs of a recipe at a scale: variant name to one run a seed.

    A run belongs to the first recipe that declares its very variant, and carries that one's name.

    Raises:
        ValueError: for a scale or a variant that the recipe has not.
    """
    chosen = recipe.scale(scale)
    declared = recipe.declare(chosen)
    for name in variants or ():
        check_choice(f"variant of {recipe.name}", name, declared)
    homes = {name: _home(recipe, scale, name, variant) for name, variant in declared.items()}
    return {
        name: [Run(home[0], scale, home[1], declared[name], seed) for seed in seeds or chosen.seeds]
        for name, home in homes.items()
        if variants is None or name in variants
    }


def keeps_checkpoint(run: Run) -> bool:
    """Whether some recipe wants this run's weights to ship."""
    for recipe in RECIPES.values():
        for scale in recipe.scales:
            if scale.name != run.scale or run.seed != scale.seeds[0]:
                continue
            declared = recipe.declare(scale)
            if any(declared[name] == run.variant for name in recipe.checkpoints):
                return True
    return False


def _home(recipe: Recipe, scale: str, name: str, variant: Variant) -> tuple[str, str]:
    for other in RECIPES.values():
        for at in other.scales:
            if at.name == scale:
                for alias, declared in other.declare(at).items():
                    if declared == variant:
                        return other.name, alias
    return recipe.name, name  # a recipe that is not in the registry
