"""Collect a pod's log while it is written, across broken connections, with no line lost or doubled."""

from __future__ import annotations

import datetime
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator

from fimsmith.launch.answers import Refused, RequestError
from fimsmith.launch.kube import Cluster
from fimsmith.launch.render import FETCH, MAIN

_PAUSE = 1.0  # seconds before asking again
_FAILURES = 5
_OVERLAP = datetime.timedelta(seconds=1)


class Follower(threading.Thread):
    """Follow the containers of one pod, one after another, and hand over each line once."""

    def __init__(self, cluster: Cluster, pod: str, take: Callable[[bytes], None]):
        super().__init__(daemon=True, name=f"log of {pod}")
        self.cluster, self.pod, self.take = cluster, pod, take
        self.closing = threading.Event()
        self.failures = 0  # to read the end of the log

    def run(self) -> None:
        """Follow until all containers have ended, the pod is gone, or `close` was called."""
        for container in (FETCH, MAIN):
            log = Container(self.cluster, self.pod, container)
            while not self._read(log, wait=not self.closing.is_set()):
                time.sleep(_PAUSE)

    def close(self, seconds: float) -> None:
        """Take what the log still holds and end; waits for at most so many seconds."""
        self.closing.set()
        self.join(seconds)

    def _read(self, log: Container, *, wait: bool) -> bool:
        """Take what there is; returns whether there will be no more."""
        last = not wait
        try:
            ended = log.ended()  # asked before reading: then the answer is complete
            try:
                for line in log.lines(wait=wait and not ended):
                    self.take(line)
            except Refused as error:  # the container has not started, or the pod is gone
                return ended or last or error.status == 404
            return ended or last
        except RequestError:
            self.failures += last
            return self.failures > _FAILURES


class Container:
    """The log of one container, and how much of it was read."""

    def __init__(self, cluster: Cluster, pod: str, name: str):
        self.cluster, self.pod, self.name = cluster, pod, name
        self.recent: deque[tuple[datetime.datetime, bytes]] = (
            deque()
        )  # lines that the next answer begins with, as `since` asks
        self.since: str | None = None

    def ended(self) -> bool:
        """Whether the container runs no more: its log is complete."""
        pod = self.cluster.pod(self.pod)
        if pod is None:
            return True
        status = pod.get("status", {})
        found = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
        states = {each["name"]: each.get("state", {}) for each in found}
        return "terminated" in states.get(self.name, {}) or status.get("phase") in ("Failed", "Succeeded")

    def lines(self, *, wait: bool) -> Iterator[bytes]:
        """Yield the lines that were not yielded before; `wait` follows the log until the container ends."""
        pieces = self.cluster.follow(self.pod, self.name, self.since, wait=wait)
        known = Counter(raw for _, raw in self.recent)
        # the piece of a line that a broken connection leaves is not one
        for raw in lines(pieces, complete=not wait):
            if known[raw]:
                known[raw] -= 1
                continue
            self._remember(raw)
            yield (raw.partition(b" ")[2] if _time(raw) else raw) + b"\n"

    def _remember(self, raw: bytes) -> None:
        """Keep what a new answer would begin with: `sinceTime` counts in whole seconds."""
        moment = _time(raw)
        if moment is None:  # the rest of a very long line
            return
        start = (moment - _OVERLAP).replace(microsecond=0)
        self.recent.append((moment, raw))
        while self.recent[0][0] < start:
            self.recent.popleft()
        self.since = start.strftime("%Y-%m-%dT%H:%M:%SZ")


def lines(pieces: Iterable[bytes], *, complete: bool) -> Iterator[bytes]:
    """Yield the lines of a stream; what follows the last line break is one only if the stream is `complete`."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole
    if rest and complete:
        yield rest


def _time(raw: bytes) -> datetime.datetime | None:
    """The time that Kubernetes puts before a line, in UTC; nodes may write it with their own zone's offset."""
    try:
        return datetime.datetime.fromisoformat(raw[:40].partition(b" ")[0].decode("ascii")).astimezone(datetime.UTC)
    except ValueError:
        return None
