"""Ctrl-C as a request to stop after the current step."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Interrupt:
    """Whether somebody pressed Ctrl-C."""

    requested = False


@contextmanager
def deferred_interrupt() -> Iterator[Interrupt]:
    """Note the first Ctrl-C instead of raising; a second one raises KeyboardInterrupt at once.

    Outside the main thread, where Python delivers no signals, nothing changes.
    """
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return

    def note(signum: int, frame: object) -> None:
        if interrupt.requested:
            raise KeyboardInterrupt
        interrupt.requested = True

    before = signal.signal(signal.SIGINT, note)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, before)


def ignore_interrupts(worker: int) -> None:
    """Let a loading process live through Ctrl-C, which a terminal sends to it too: the step that is
    to be finished may still be waiting for its images.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
