"""Collect what a training job's containers print from CloudWatch Logs: of all hosts, each line once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fimsmith.launch import aws

GROUP = "/aws/sagemaker/TrainingJobs"
_FIRST = "algo-1"  # the host of node rank 0, whose lines are the job's own


class Tail:
    """The log of one job and how much of it was read."""

    def __init__(self, account: aws.Account, job: str, take: Callable[[bytes], None]):
        self.account, self.job, self.take = account, job, take
        self.tokens: dict[str, str] = {}  # by stream: every container has one, each time it is started
        self.refused = False

    def read(self) -> int:
        """Take the lines that came since, in the order of their times; returns their number."""
        if self.refused:
            return 0
        found: list[tuple[int, str, str]] = []
        try:
            for stream in self._streams():
                found += self._events(stream)
        except aws.ERRORS as error:
            # without its log a job can still be followed; what passes is read the next time
            if aws.code(error).startswith("AccessDenied"):
                self.refused = True
                self.account.say(f"its log stays in CloudWatch ({GROUP}): {aws.reason(error)[0]}")
        for _, stream, line in sorted(found, key=lambda event: event[0]):
            host = stream.removeprefix(f"{self.job}/").rpartition("-")[0]
            self.take((line if host == _FIRST else f"{host}: {line}").encode() + b"\n")
        return len(found)

    def _streams(self) -> list[str]:
        pages = self.account.clients["logs"].get_paginator("describe_log_streams")
        try:
            answers = list(pages.paginate(logGroupName=GROUP, logStreamNamePrefix=f"{self.job}/"))
        except aws.ERRORS as error:
            if aws.is_missing(error):  # the account's first job has printed nothing yet
                return []
            raise
        return [stream["logStreamName"] for answer in answers for stream in answer["logStreams"]]

    def _events(self, stream: str) -> Iterator[tuple[int, str, str]]:
        """Yield a stream's new events: time in milliseconds, stream, line."""
        while True:
            known = {"nextToken": self.tokens[stream]} if stream in self.tokens else {}
            where = {"logGroupName": GROUP, "logStreamName": stream}
            page = self.account.clients["logs"].get_log_events(**where, **known, startFromHead=True)
            for event in page["events"]:
                yield event["timestamp"], stream, event["message"]
            if page["nextForwardToken"] == self.tokens.get(stream):  # the end, for now
                return
            self.tokens[stream] = page["nextForwardToken"]
