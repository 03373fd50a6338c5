"""Names of recipes and scales; they need no torch, so a command line is checked with them."""

from resattn.experiments.tasks import TASKS

QUESTIONS = (
    "stacking",
    "activation",
    "mask_shape",
    "final_norm",
    "width",
    "label_noise",
    "neighbours",
    "supervision",
    "roles",
    "depth",
    "units",
)
"""Recipes that this course asks, in the order in which `train all` runs them: each one is a module
of `resattn.experiments.questions`."""

RECIPE_NAMES = (*QUESTIONS, *TASKS)
"""With the paper's own tasks, which need data and a GPU."""


def scale_names(recipe: str) -> tuple[str, str]:
    """Return the scales of a recipe; the first is its default."""
    return ("small", "full") if recipe in QUESTIONS else ("paper", "fast")
