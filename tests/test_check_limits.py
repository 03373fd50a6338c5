"""A limit counts the processor time that code uses, and waits longer for code that waits."""

import sys
import time

import pytest

from coursekit.checks import limits
from coursekit.checks.limits import PATIENCE, TooLong, limit

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no interval timer")


def wait(seconds: float) -> None:
    """Use the processor until so many seconds have passed on the clock."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


def use(seconds: float) -> None:
    """Use the processor for so many seconds of its own time."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_code_that_computes_without_end_is_stopped():
    with pytest.raises(TooLong, match="takes longer than 0.05 s"), limit(0.05):
        use(60)


def test_code_that_sleeps_is_stopped_after_a_longer_time():
    start = time.monotonic()
    with pytest.raises(TooLong, match="takes longer than 0.05 s"), limit(0.05):
        time.sleep(60)
    assert time.monotonic() - start >= PATIENCE * 0.05


def test_the_processor_time_that_others_use_does_not_count(monkeypatch):
    monkeypatch.setattr(limits, "thread_time", lambda: 0.0)  # as if it never had its turn
    with pytest.raises(TooLong), limit(0.05):
        wait(60)
    monkeypatch.setattr(limits, "PATIENCE", 1e6)
    with limit(0.05):
        wait(0.2)


def test_only_the_body_is_limited():
    with limit(0.05):
        pass
    wait(0.1)
    with limit(30), pytest.raises(TooLong, match="0.05"), limit(0.05):
        use(60)


def test_an_outer_limit_goes_on_after_an_inner_one():
    with pytest.raises(TooLong, match="takes longer than 0.05 s"), limit(0.05):
        with limit(30):
            use(0.01)
        use(60)


def test_an_outer_limit_that_was_over_meanwhile_stops_what_follows():
    with pytest.raises(TooLong, match="takes longer than 0.05 s"), limit(0.05):
        with limit(30):
            use(0.1)
        use(60)


def test_code_cannot_gain_time_by_another_clock(monkeypatch):
    with pytest.raises(TooLong), limit(0.05):
        monkeypatch.setattr(time, "thread_time", lambda: 0.0)
        monkeypatch.setattr(time, "monotonic", lambda: 0.0)
        for _ in iter(int, 1):
            pass
