"""A time limit on a piece of code in this process, where the system can interrupt it.

The limit counts the processor time of the main thread, in which the code runs: on a busy machine an
honest answer waits for its turn, and must not lose points for that. Code that sleeps or waits uses
no processor time, so the clock counts as well, with a limit that is `PATIENCE` times as long.
"""

import contextlib
import signal
import threading
from collections.abc import Iterator
from time import monotonic, thread_time  # by name: the code that is limited may patch the module

PATIENCE = 3
"""Seconds on the clock per second of processor time that the limit allows."""


class TooLong(BaseException):
    """Raised when the time is up; `except Exception` in the limited code cannot catch it."""

    def __init__(self, seconds: float):
        super().__init__(f"takes longer than {seconds:g} s")


@contextlib.contextmanager
def limit(seconds: float) -> Iterator[None]:
    """Raise TooLong in the body when it has used so many seconds: not on Windows, nor in a thread.

    Limits nest: an outer one waits while an inner one counts, and then goes on.
    """
    main = threading.current_thread() is threading.main_thread()
    if not main or not hasattr(signal, "setitimer"):
        yield
        return

    used_before, clock_before, left = thread_time(), monotonic(), False

    def look(*_: object) -> None:
        """Raise TooLong if the time is up; otherwise look again when it may be."""
        used, clock = thread_time() - used_before, monotonic() - clock_before
        if left:
            return
        if used >= seconds or clock >= PATIENCE * seconds:
            raise TooLong(seconds)
        soonest = min(seconds - used, PATIENCE * seconds - clock)
        signal.setitimer(signal.ITIMER_REAL, max(soonest, seconds / 100))

    before = signal.signal(signal.SIGALRM, look)
    outer, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        left = True
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if outer:
            signal.setitimer(signal.ITIMER_REAL, 0.001)  # its own clocks went on
