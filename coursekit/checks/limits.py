"""A time limit on a piece of code in this process, where the system can interrupt it."""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator


class TooLong(BaseException):
    """The time is up. No `except Exception` of the code that is limited can swallow it."""

    def __init__(self, seconds: float):
        super().__init__(f"takes longer than {seconds:g} s")


@contextlib.contextmanager
def limit(seconds: float) -> Iterator[None]:
    """Raise TooLong in the body after so many seconds: not on Windows, nor in a thread.

    Limits nest; an outer one goes on when the inner one is left.
    """
    main = threading.current_thread() is threading.main_thread()
    if not main or not hasattr(signal, "setitimer"):
        yield
        return

    def late(*_):
        raise TooLong(seconds)

    before, start = signal.signal(signal.SIGALRM, late), time.monotonic()
    outer, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if outer:
            left = outer - (time.monotonic() - start)
            signal.setitimer(signal.ITIMER_REAL, max(0.001, left))
