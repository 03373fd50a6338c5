"""The checks of an exercise: `Check` and `exercise_set` for its cells, and the record they read."""

from coursekit.checks.check import Check, exercise_set

__all__ = ["Check", "exercise_set"]
