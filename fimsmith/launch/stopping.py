"""What happens to a job when its launcher is asked to stop."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

from fimsmith.launch.follow import lines
from fimsmith.launch.kube import Cluster, Home, Refused, RequestError
from fimsmith.launch.render import belongs

_PAUSE = 1.0  # seconds before asking again
_LAST = 20  # seconds that the pods of a terminated run have to end
_AGAIN = 0.3  # seconds in which a request that made the job may still have been under way


class Stop:
    """The signals that this process got."""

    def __init__(self) -> None:
        self.received: list[int] = []

    def __bool__(self) -> bool:
        return bool(self.received)


@contextlib.contextmanager
def watching(cluster: Cluster, home: Home, name: str) -> Iterator[Stop]:
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
    if os.environ.get("KFP_POD_NAME"):
        step = _Step(cluster, home, name)
        handlers[signal.SIGTERM] = step.end
        threading.Thread(target=step.watch, args=(stop,), daemon=True, name="the run's end").start()
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Step:
    """A step of a KFP run: it has about a second after SIGTERM, and what it prints is lost or breaks it.

    The same signal comes when the run is terminated and when only this pod is deleted or evicted.
    In the second case a restarted step finds the job, so it is left. The Workflow says which it is,
    and says so about a second before the signal comes: it is watched.
    """

    def __init__(self, cluster: Cluster, home: Home, name: str):
        # connections of its own: the handler may interrupt a request that holds the others' lock
        self.cluster, self.home, self.name = Cluster(cluster.namespace), home, name
        with contextlib.suppress(RequestError):
            self.terminated()  # the handshake is over before it counts

    def watch(self, stop: Stop) -> None:
        """Delete the job as soon as the run is terminated; ends where the account may not watch."""
        cluster = Cluster(self.cluster.namespace)
        while self.home.workflow is not None:
            try:
                for line in filter(None, lines(cluster.watch_workflow(self.home), complete=False)):
                    if _ended(json.loads(line).get("object", {}).get("spec", {})):
                        stop.received.append(signal.SIGTERM)
                        self.withdraw(cluster)
                        return
            except (RequestError, ValueError) as error:
                if isinstance(error, Refused) and error.status == 403:
                    return
            time.sleep(_PAUSE)

    def terminated(self) -> bool:
        """Whether KFP ends the run.

        Where that cannot be read (no right to, no answer) it counts as ended: a job that goes on
        costs GPUs until its deadline, a job that was deleted goes on at its last checkpoint.
        """
        if self.home.workflow is None:
            return True
        try:
            return _ended(self.cluster.workflow(self.home)["spec"])
        except RequestError:
            return True

    def withdraw(self, cluster: Cluster) -> None:
        """Delete the job, unless another run follows it now; its pods do not get the time for a checkpoint."""
        job = cluster.job(self.name)
        if job is not None and belongs(job, self.home.run_id):
            cluster.delete(job, "Background")
            cluster.end_pods(self.name, _LAST)

    def end(self, number: int, _: object) -> None:
        """Decide, delete, and end without cleaning up: there is no time for it."""
        signal.signal(number, signal.SIG_IGN)  # the second one comes a second later
        try:
            if self.terminated():
                self.withdraw(self.cluster)
                time.sleep(_AGAIN)
                self.withdraw(self.cluster)
        finally:
            os._exit(128 + number)


def _ended(spec: dict[str, Any]) -> bool:
    """Whether a Workflow is being terminated: KFP sets its deadline to 0, Argo's own way is `shutdown`."""
    return spec.get("activeDeadlineSeconds") == 0 or bool(spec.get("shutdown"))
