"""A guess is compared with what was measured, and no guess is no error."""

import doctest

import pytest

from coursekit import predictions
from coursekit.predictions import compare


def test_the_example_in_the_docstring_is_true():
    assert doctest.testmod(predictions).failed == 0


@pytest.mark.parametrize(
    ("guess", "measured", "told"),
    [
        (None, 3, "no prediction"),
        (3, 3.1, "close"),
        (3, 6.0, "2 times too small"),
        (9, 3, "3 times too large"),
        (-9, -3, "3 times too large"),
        (1, -2, "3 away"),
        (0, 0, "close"),
        (0, 5, "5 away"),
        ("Fall ", "fall", "You were right"),
        ("rise", "fall", "surprise"),
        ("about 3", 3.0, "surprise"),
    ],
)
def test_what_is_said_depends_on_how_near_the_guess_is(guess, measured, told):
    said = compare(guess, measured)
    assert told in said
    assert "\n" not in said


def test_units_stand_after_numbers():
    assert compare(5, 10, " %") == (
        "You predicted 5 %. Measured: 10 %. Your guess is 2 times too small."
    )
