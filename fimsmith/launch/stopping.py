"""What happens to a job when its launcher is asked to stop."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

_LOOK = 0.2  # seconds between two looks for a signal
_AGAIN = 0.3  # seconds before a job is withdrawn again, which may only be coming into being
_INSISTS = 20.0  # seconds: by then the pod is killed anyway


class Stop:
    """The signals that this process got."""

    def __init__(self) -> None:
        self.received: list[int] = []

    def __bool__(self) -> bool:
        return bool(self.received)

    def wait(self, seconds: float) -> None:
        """Sleep, but not on after a signal."""
        end = time.monotonic() + seconds
        while not self.received and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK))


class Step:
    """A step of a KFP run: it has about a second after SIGTERM, and what it prints is lost or breaks it.

    The same signal comes when the run is terminated and when only this pod is deleted or evicted; in the second case
    a restarted step finds the job, so it is left. This one has nobody to ask which it is and withdraws the job: one
    that goes on costs GPUs until its deadline, one that was ended goes on at its last checkpoint.
    """

    def __init__(self, withdraw: Callable[[], bool]):
        """`withdraw` ends the job without waiting, from a signal's handler or another thread.

        It returns whether it is sure that no job goes on; the request that makes one may still be under way.
        """
        self.withdraw = withdraw

    def terminated(self) -> bool:
        """Whether the run is being ended."""
        return True

    def watch(self, stop: Stop) -> None:
        """Withdraw the job as soon as the run is terminated."""

    def insist(self) -> None:
        """Withdraw the job until that is sure to have ended it."""
        end = time.monotonic() + _INSISTS
        while not self.withdraw() and time.monotonic() < end:
            time.sleep(_AGAIN)

    def end(self, number: int, _: object) -> None:
        """Decide, withdraw, and end without cleaning up: there is no time for it."""
        signal.signal(number, signal.SIG_IGN)  # the second one comes a second later
        try:
            if self.terminated():
                self.insist()
        finally:
            os._exit(128 + number)


def in_step() -> bool:
    """Whether this process is a step of a KFP run."""
    return bool(os.environ.get("KFP_POD_NAME"))


@contextlib.contextmanager
def watching(step: Step | None) -> Iterator[Stop]:
    """Yield the signals received; in a step of a KFP run its termination is dealt with at once.

    A second signal on a laptop ends the waiting for the job's end.
    """
    stop = Stop()

    def note(number: int, _: object) -> None:
        stop.received.append(number)
        signal.signal(number, signal.default_int_handler)

    if threading.current_thread() is not threading.main_thread():  # signals go to the main thread
        yield stop
        return
    handlers: dict[int, Any] = {signal.SIGINT: note, signal.SIGTERM: note}
    if step is not None:
        handlers[signal.SIGTERM] = step.end
        threading.Thread(target=step.watch, args=(stop,), daemon=True, name="the run's end").start()
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
