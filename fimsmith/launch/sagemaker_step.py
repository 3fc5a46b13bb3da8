"""What a step of a KFP run does about its training job when the run is terminated."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from fimsmith.launch import aws, stopping

_WARM = 20.0  # seconds between two requests: an idle connection is closed, and a new one costs part of the last second


@contextlib.contextmanager
def ready(stops: aws.Account, name: str, left: Callable[[], str | None]) -> Iterator[tuple[stopping.Step, str | None]]:
    """Yield the step that this process is, and the run's id where it is to be found.

    `stops` is an account of its own, because a signal's handler may interrupt a request that holds the lock of the
    other's. `name` is any training job; `left` tells which one may be running.
    """
    client, over = stops.clients["sagemaker"], threading.Event()

    def look() -> None:
        with contextlib.suppress(*aws.ERRORS):
            client.describe_training_job(TrainingJobName=left() or name)

    def keep_warm() -> None:
        while not over.wait(_WARM):
            look()

    def withdraw() -> bool:
        job = left()
        with contextlib.suppress(*aws.ERRORS):
            if job:
                client.stop_training_job(TrainingJobName=job)
            return True
        with contextlib.suppress(*aws.ERRORS):  # not found: its creation may be under way
            return client.describe_training_job(TrainingJobName=job)["TrainingJobStatus"] != "InProgress"
        return False

    look()  # the handshake is over before it counts
    threading.Thread(target=keep_warm, daemon=True, name="the way to stop").start()
    try:
        yield _here(withdraw)
    finally:
        over.set()


def _here(withdraw: Callable[[], bool]) -> tuple[stopping.Step, str | None]:
    try:
        from fimsmith.launch import step
    except ImportError:  # a pipeline that knows no Kubernetes
        return stopping.Step(withdraw), None
    return step.here(withdraw)
