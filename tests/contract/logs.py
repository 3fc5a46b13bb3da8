"""CloudWatch Logs: groups of streams of events, read forward by token."""

import time
from typing import Any

from tests.contract.behaviour import Behaviour
from tests.contract.errors import AwsError
from tests.contract.paging import page

Event = dict[str, Any]
PAGE_BYTES = 1_000_000  # a page ends at 1 MB or 10,000 events


class Logs:
    """Every log group of the account."""

    def __init__(self, behaviour: Behaviour):
        self.behaviour = behaviour
        self.groups: dict[str, dict[str, list[Event]]] = {}
        self.age = 0  # of the tokens that are valid

    def expire(self) -> None:
        """Make all tokens invalid, as a day does."""
        self.age += 1

    def write(self, group: str, stream: str, message: str) -> None:
        """Add an event; group and stream come into being with their first one."""
        now = int(time.time() * 1000)
        self.groups.setdefault(group, {}).setdefault(stream, []).append(
            {"timestamp": now, "message": message, "ingestionTime": now}
        )

    def fresh(self, group: str, prefix: str) -> str:
        """Name a stream that is not there yet: `{prefix}-{seconds}`, as containers' streams are called."""
        stamp = int(time.time())
        while f"{prefix}-{stamp}" in self.groups.get(group, {}):
            stamp += 1
        return f"{prefix}-{stamp}"

    def describe_log_streams(self, request: dict) -> dict:
        streams = self._group(request)
        if request.get("orderBy") == "LastEventTime" and "logStreamNamePrefix" in request:
            raise AwsError("InvalidParameterException", "Cannot order by LastEventTime with a logStreamNamePrefix.")
        names = [name for name in streams if name.startswith(request.get("logStreamNamePrefix", ""))]
        if request.get("orderBy") == "LastEventTime":
            names.sort(key=lambda name: streams[name][-1]["timestamp"])
        else:
            names.sort()
        if request.get("descending"):
            names.reverse()
        chosen, token = page(names, request.get("nextToken"), request.get("limit", 50))
        return _with_token({"logStreams": [_describe(name, streams[name]) for name in chosen]}, token)

    def get_log_events(self, request: dict) -> dict:
        events = self._group(request).get(request["logStreamName"])
        if events is None:
            raise AwsError("ResourceNotFoundException", "The specified log stream does not exist.")
        limit = request.get("limit", 10_000)
        token = request.get("nextToken")
        if token is None:
            start = 0 if request.get("startFromHead") else max(0, len(events) - limit)
        elif token.startswith("b/"):
            start = max(0, self._position(token) - limit)
            limit = min(limit, self._position(token))
        else:
            start = self._position(token)
        if self.behaviour.empty_pages and not (token or "").endswith("/e") and start < len(events):
            return self._page([], start, start, "e")
        chosen = _fitting(events[start : start + limit])
        end = start + len(chosen)
        inside = [event for event in chosen if _within(event, request)]
        return self._page(inside, start, end)

    def _page(self, events: list[Event], start: int, end: int, kind: str = "s") -> dict:
        forward, backward = (f"{way}/{place:056}/{self.age}/{kind}" for way, place in (("f", end), ("b", start)))
        return {"events": events, "nextForwardToken": forward, "nextBackwardToken": backward}

    def _position(self, token: str) -> int:
        try:
            _, position, age, _ = token.split("/")
            if int(age) == self.age:
                return int(position)
        except ValueError:
            pass
        raise AwsError("InvalidParameterException", "The specified nextToken is invalid.")

    def filter_log_events(self, request: dict) -> dict:
        if "logStreamNames" in request and "logStreamNamePrefix" in request:
            raise AwsError("InvalidParameterException", "Cannot give both logStreamNames and logStreamNamePrefix.")
        streams = self._group(request)
        prefix = request.get("logStreamNamePrefix", "")
        names = request.get("logStreamNames") or [name for name in streams if name.startswith(prefix)]
        terms = [term.strip('"') for term in request.get("filterPattern", "").split()]
        events = [
            {**event, "logStreamName": name, "eventId": f"{index:056}"}
            for name in names
            for index, event in enumerate(streams.get(name, []))
            if _within(event, request) and all(term in event["message"] for term in terms)
        ]
        events.sort(key=lambda event: event["timestamp"])
        chosen, token = page(events, request.get("nextToken"), request.get("limit", 10_000))
        return _with_token({"events": chosen, "searchedLogStreams": []}, token)

    def _group(self, request: dict) -> dict[str, list[Event]]:
        if ("logGroupName" in request) == ("logGroupIdentifier" in request):
            raise AwsError("InvalidParameterException", "Give exactly one of logGroupName and logGroupIdentifier.")
        name = request.get("logGroupName") or request["logGroupIdentifier"]
        if name not in self.groups:
            raise AwsError("ResourceNotFoundException", "The specified log group does not exist.")
        until = (time.time() - self.behaviour.log_delay) * 1000
        # copies: the containers go on writing
        found = {
            key: [event for event in events if event["ingestionTime"] <= until]
            for key, events in list(self.groups[name].items())
        }
        return {key: events for key, events in found.items() if events}


def _describe(name: str, events: list[Event]) -> dict:
    first, last = events[0]["timestamp"], events[-1]["timestamp"]
    times = {"firstEventTimestamp": first, "lastEventTimestamp": last, "lastIngestionTime": last}
    return {"logStreamName": name, "creationTime": first, "storedBytes": 0, **times}


def _fitting(events: list[Event]) -> list[Event]:
    room = PAGE_BYTES
    for index, event in enumerate(events):
        room -= len(event["message"].encode()) + 26  # the service counts 26 bytes for each event
        if room < 0 and index:
            return events[:index]
    return events


def _within(event: Event, request: dict) -> bool:
    return request.get("startTime", 0) <= event["timestamp"] < request.get("endTime", float("inf"))


def _with_token(result: dict, token: str | None) -> dict:
    return result if token is None else {**result, "nextToken": token}
