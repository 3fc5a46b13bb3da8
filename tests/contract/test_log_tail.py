"""fimsmith.launch.cloudwatch: every line once, whatever CloudWatch does with tokens and pages."""

import pytest

from fimsmith.launch import aws, cloudwatch
from fimsmith.launch.cloudwatch import GROUP, Tail
from fimsmith.launch.stopping import Stop
from tests.contract.aws import FakeAws
from tests.contract.conftest import Start

FIRST, SECOND = "job/algo-1-1", "job/algo-2-1"


class Reader:
    """A tail and what it took."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.said: list[str] = []
        self.tail = Tail(aws.Account(self.said.append), "job", self.lines.append)

    def read(self) -> list[str]:
        """Take what is new."""
        self.lines.clear()
        self.tail.read(Stop())
        return [line.decode().strip() for line in self.lines]


def asked(account: FakeAws) -> int:
    return sum(name == "GetLogEvents" for _, name, _ in account.calls)


def test_a_token_that_is_too_old_loses_and_doubles_no_line(start_aws: Start):
    account = start_aws()
    for line in ("one", "two", "two"):
        account.logs.write(GROUP, FIRST, line)
    reader = Reader()
    assert reader.read() == ["one", "two", "two"]
    stamp = account.logs.groups[GROUP][FIRST][-1]["timestamp"]
    for event in account.logs.groups[GROUP][FIRST]:
        event["timestamp"] = stamp  # all in the same millisecond
    reader = Reader()
    assert reader.read() == ["one", "two", "two"]
    account.logs.expire()
    account.logs.groups[GROUP][FIRST].append({"timestamp": stamp, "message": "two", "ingestionTime": stamp})
    account.logs.write(GROUP, FIRST, "three")
    assert reader.read() == ["two", "three"]
    account.logs.expire()
    assert reader.read() == []
    account.logs.write(GROUP, FIRST, "three")
    assert reader.read() == ["three"]


def test_a_stream_that_cannot_be_read_does_not_keep_the_others_back(start_aws: Start):
    account = start_aws()
    account.logs.write(GROUP, FIRST, "one")
    account.logs.write(GROUP, SECOND, "two")
    reader = Reader()
    account.behaviour.errors = {"GetLogEvents": ["OperationAbortedException"]}
    assert reader.read() == ["algo-2: two"]
    assert reader.read() == ["one"]


def test_an_empty_page_is_not_the_end(start_aws: Start):
    account = start_aws(empty_pages=True)
    for number in range(3):
        account.logs.write(GROUP, FIRST, f"{number} " + "x" * 400_000)  # two to a page
    assert [line[0] for line in Reader().read()] == ["0", "1", "2"]


def test_a_reading_ends_where_lines_come_faster_than_they_are_read(start_aws: Start, monkeypatch: pytest.MonkeyPatch):
    account = start_aws()
    monkeypatch.setattr("tests.contract.logs.PAGE_BYTES", 1)  # one line to a page
    for number in range(cloudwatch._PAGES + 5):
        account.logs.write(GROUP, FIRST, str(number))
    reader = Reader()
    assert len(reader.read()) == cloudwatch._PAGES == asked(account)
    assert len(reader.read()) == 5


def test_after_a_signal_nothing_more_is_read(start_aws: Start):
    account = start_aws()
    account.logs.write(GROUP, FIRST, "one")
    stop, reader = Stop(), Reader()
    stop.received.append(15)
    reader.tail.read(stop)
    assert asked(account) == 0


def test_a_line_that_arrives_late_is_read_though_others_were_read_before(start_aws: Start):
    account = start_aws()
    account.logs.write(GROUP, FIRST, "one")
    reader = Reader()
    assert reader.read() == ["one"]
    account.behaviour.log_delay = 3600
    account.logs.write(GROUP, FIRST, "late")
    assert reader.read() == []
    account.behaviour.log_delay = 0
    assert reader.read() == ["late"]
