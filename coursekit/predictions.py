"""What a lesson says to a reader's prediction.

A lesson asks before it measures. The reader writes a guess into a cell, and the next cell compares
it with what was measured. A lesson that is run without any guess still runs to its end.

Example:
    >>> guess = None  # your prediction: how many times larger?
    >>> print(compare(guess, 12.5))
    You made no prediction. Measured: 12.5
    >>> print(compare(100, 12.5))
    You predicted 100. Measured: 12.5. Your guess is 8 times too large.
"""

import math

CLOSE = 0.1
"""A number counts as close if it is within this share of the measured one."""


def compare(guess: float | str | None, measured: float | str, unit: str = "") -> str:
    """Return one line that holds a reader's guess against the measured value.

    Args:
        guess: a number, a word, or None for a reader who made no prediction.
        measured: what the lesson has just measured, of the same kind.
        unit: written after each number, such as ``" %"``.
    """
    found = f"Measured: {_shown(measured, unit)}"
    if guess is None:
        return f"You made no prediction. {found}"
    said = f"You predicted {_shown(guess, unit)}. {found}"
    if isinstance(measured, str) or isinstance(guess, str):
        same = str(guess).strip().casefold() == str(measured).strip().casefold()
        return f"{said}. {'You were right.' if same else 'A surprise: read on to see why.'}"
    return f"{said}. {_difference(float(guess), float(measured), unit)}"


def _difference(guess: float, measured: float, unit: str) -> str:
    if math.isclose(guess, measured, rel_tol=CLOSE):
        return "Your guess is close."
    if guess * measured <= 0:
        return f"Your guess is {_shown(abs(guess - measured), unit)} away."
    large, factor = abs(guess) > abs(measured), guess / measured
    factor = factor if large else 1 / factor
    return f"Your guess is {_shown(factor)} times too {'large' if large else 'small'}."


def _shown(value: float | str, unit: str = "") -> str:
    if isinstance(value, str):
        return value
    return f"{value:.3g}{unit}"
