"""Checks of arguments: one sentence naming the value, the limit and the nearest valid choice."""

import operator
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any


def check_choice(what: str, value: object, choices: Iterable[str]) -> None:
    """Raises ValueError unless ``value`` is one of ``choices``, naming the nearest."""
    choices = tuple(choices)
    if value not in choices:
        near = get_close_matches(str(value), choices, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"unknown {what} {value!r}; {hint}choose one of {', '.join(choices)}")


def check_at_least(what: str, value: object, least: int) -> int:
    """Return ``value`` as an int; raises ValueError unless it is an integer >= ``least``."""
    number = as_integer(value)
    if number is None or number < least:
        raise ValueError(f"{what} must be an integer of at least {least}, got {value!r}")
    return number


def as_integer(value: Any) -> int | None:
    """Return an integer of any library, such as ``np.int64(5)``, as an int; else None.

    True and False count as no integers, in any library.
    """
    if isinstance(value, bool) or str(getattr(value, "dtype", "")).endswith("bool"):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def check_flag(what: str, value: object) -> None:
    """Raises ValueError unless ``value`` is True or False: the text "no" would count as True."""
    if not isinstance(value, bool):
        raise ValueError(f"{what} must be True or False, got {value!r}")
