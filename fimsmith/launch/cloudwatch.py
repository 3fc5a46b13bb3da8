"""Collect what a training job's containers print from CloudWatch Logs: of all hosts, each line once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from fimsmith.launch import aws
from fimsmith.launch.stopping import Stop

GROUP = "/aws/sagemaker/TrainingJobs"
_FIRST = "algo-1"  # the host of node rank 0, whose lines are the job's own
_PAGES = 20  # of a stream in one reading, each up to 1 MB: the job's state must be looked at, too
Event = tuple[int, str, str]  # time in milliseconds, stream, line


@dataclass(slots=True)
class _Place:
    """How much of a stream was read."""

    token: str | None = None
    start: int | None = None  # where to begin anew when the token is too old, in milliseconds
    last: int = 0  # the time of the newest event
    lines: Counter[str] = field(default_factory=Counter)  # those of that time
    doubled: Counter[str] = field(default_factory=Counter)  # those that come a second time after a new beginning

    def begin_anew(self) -> None:
        """Go back to the newest event: a token is valid for 24 hours only."""
        self.token, self.start, self.doubled = None, self.last, self.lines.copy()

    def is_new(self, event: dict[str, Any]) -> bool:
        """Note an event; False where it was read before."""
        time, line = event["timestamp"], event["message"]
        if time == self.start and self.doubled[line] > 0:
            self.doubled[line] -= 1
            return False
        if time > self.last:
            self.last, self.lines = time, Counter()
        self.lines[line] += time == self.last
        return True


class Tail:
    """The log of one job and how much of it was read."""

    def __init__(self, account: aws.Account, job: str, take: Callable[[bytes], None]):
        self.account, self.job, self.take = account, job, take
        self.places: dict[str, _Place] = {}  # by stream: every container has one, each time it is started
        self.refused = False

    def read(self, stop: Stop) -> int:
        """Take the lines that came since, in the order of their times; returns their number."""
        found: list[Event] = []
        for stream in self._streams():
            found += self._events(stream, stop)
        for _, stream, line in sorted(found, key=lambda event: event[0]):
            host = stream.removeprefix(f"{self.job}/").rpartition("-")[0]
            self.take((line if host == _FIRST else f"{host}: {line}").encode() + b"\n")
        return len(found)

    def _streams(self) -> list[str]:
        if self.refused:
            return []
        pages = self.account.clients["logs"].get_paginator("describe_log_streams")
        try:
            answers = list(pages.paginate(logGroupName=GROUP, logStreamNamePrefix=f"{self.job}/"))
        except aws.ERRORS as error:  # there is no group before the account's first job has printed something
            self._note(error)
            return []
        return [stream["logStreamName"] for answer in answers for stream in answer["logStreams"]]

    def _events(self, stream: str, stop: Stop) -> Iterator[Event]:
        """Yield a stream's new events; one that cannot be read now is read the next time."""
        place = self.places.setdefault(stream, _Place())
        for _ in range(_PAGES):
            if stop or self.refused:
                return
            try:
                page = self._page(stream, place)
            except aws.ERRORS as error:
                if place.token and aws.code(error) == "InvalidParameterException":
                    place.begin_anew()
                    continue
                self._note(error)
                return
            for event in filter(place.is_new, page["events"]):
                yield event["timestamp"], stream, event["message"]
            if page["nextForwardToken"] == place.token:  # the end, for now
                return
            place.token = page["nextForwardToken"]

    def _page(self, stream: str, place: _Place) -> dict[str, Any]:
        known = {"nextToken": place.token} if place.token else {}
        begin = {} if place.start is None else {"startTime": place.start}
        where = {"logGroupName": GROUP, "logStreamName": stream, "startFromHead": True}
        return self.account.clients["logs"].get_log_events(**where, **known, **begin)

    def _note(self, error: Exception) -> None:
        """Without its log a job can still be followed; what passes is read the next time."""
        if not self.refused and aws.code(error).startswith("AccessDenied"):
            self.refused = True
            self.account.say(f"its log stays in CloudWatch ({GROUP}): {aws.reason(error)[0]}")
