"""Checks of arguments: one sentence naming the value, the limit and the nearest valid choice."""

from collections.abc import Iterable
from difflib import get_close_matches


def check_choice(what: str, value: str, choices: Iterable[str]) -> None:
    """Raises ValueError unless ``value`` is one of ``choices``, naming the nearest."""
    choices = tuple(choices)
    if value not in choices:
        near = get_close_matches(str(value), choices, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"unknown {what} {value!r}; {hint}choose one of {', '.join(choices)}")


def check_at_least(what: str, value: int, least: int) -> None:
    """Raises ValueError unless ``value`` is an integer >= ``least``."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"{what} must be an integer of at least {least}, got {value!r}")


def check_flag(what: str, value: bool) -> None:
    """Raises ValueError unless ``value`` is True or False: the text "no" would count as True."""
    if not isinstance(value, bool):
        raise ValueError(f"{what} must be True or False, got {value!r}")
