"""The fake account's CloudWatch Logs: tokens, pages, and streams that are not there yet."""

import time

import boto3
import pytest
from botocore.exceptions import ClientError

GROUP = "/aws/sagemaker/TrainingJobs"


def test_a_group_and_a_stream_exist_only_after_their_first_event(start_aws):
    aws = start_aws()
    client = boto3.client("logs")
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="log group does not exist"):
        client.describe_log_streams(logGroupName=GROUP)
    aws.logs.write(GROUP, "job/algo-1-1", "hello")
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="log stream does not exist"):
        client.get_log_events(logGroupName=GROUP, logStreamName="job/algo-2-1")


def test_the_forward_token_stays_the_same_at_the_end_and_finds_what_comes_later(start_aws):
    aws = start_aws()
    client = boto3.client("logs")
    stream = {"logGroupName": GROUP, "logStreamName": "job/algo-1-1", "startFromHead": True}
    for number in range(5):
        aws.logs.write(GROUP, "job/algo-1-1", str(number))
    first = client.get_log_events(**stream, limit=3)
    second = client.get_log_events(**stream, limit=3, nextToken=first["nextForwardToken"])
    end = client.get_log_events(**stream, nextToken=second["nextForwardToken"])
    assert [event["message"] for event in first["events"] + second["events"]] == list("01234")
    assert end["events"] == []
    assert end["nextForwardToken"] == second["nextForwardToken"]
    aws.logs.write(GROUP, "job/algo-1-1", "late")
    (late,) = client.get_log_events(**stream, nextToken=end["nextForwardToken"])["events"]
    assert late["message"] == "late"


def test_a_page_ends_at_a_megabyte(start_aws):
    aws = start_aws()
    for _ in range(3):
        aws.logs.write(GROUP, "job/algo-1-1", "x" * 400_000)
    found = boto3.client("logs").get_log_events(logGroupName=GROUP, logStreamName="job/algo-1-1", startFromHead=True)
    assert len(found["events"]) == 2


def test_a_read_without_a_start_gives_the_newest_events_and_a_way_back(start_aws):
    aws = start_aws()
    client = boto3.client("logs")
    stream = {"logGroupName": GROUP, "logStreamName": "job/algo-1-1"}
    for number in range(4):
        aws.logs.write(GROUP, "job/algo-1-1", str(number))
    newest = client.get_log_events(**stream, limit=2)
    older = client.get_log_events(**stream, limit=2, nextToken=newest["nextBackwardToken"])
    oldest = client.get_log_events(**stream, limit=2, nextToken=older["nextBackwardToken"])
    assert [event["message"] for event in older["events"] + newest["events"]] == list("0123")
    assert oldest["nextBackwardToken"] == older["nextBackwardToken"]


def test_lines_can_come_late(start_aws):
    aws = start_aws(log_delay=3600)
    aws.logs.write(GROUP, "job/algo-1-1", "hello")
    client = boto3.client("logs")
    assert client.describe_log_streams(logGroupName=GROUP)["logStreams"] == []
    aws.behaviour.log_delay = 0
    assert len(client.describe_log_streams(logGroupName=GROUP)["logStreams"]) == 1


def test_streams_are_listed_by_prefix_in_pages_of_fifty(start_aws):
    aws = start_aws()
    for number in range(60):
        aws.logs.write(GROUP, f"job/algo-{number:02}-1", "x")
    aws.logs.write(GROUP, "other/algo-1-1", "x")
    client = boto3.client("logs")
    first = client.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix="job/")
    assert len(first["logStreams"]) == 50
    pages = client.get_paginator("describe_log_streams").paginate(logGroupName=GROUP, logStreamNamePrefix="job/")
    assert sum(len(page["logStreams"]) for page in pages) == 60


def test_filtering_merges_the_hosts_in_order_of_time(start_aws):
    aws = start_aws()
    for number in range(4):
        aws.logs.write(GROUP, f"job/algo-{number % 2 + 1}-1", f"step {number}")
        time.sleep(0.002)  # events are ordered by milliseconds
    aws.logs.write(GROUP, "job/algo-1-1", "noise")
    client = boto3.client("logs")
    pages = client.get_paginator("filter_log_events").paginate(
        logGroupName=GROUP, logStreamNamePrefix="job/", filterPattern="step", PaginationConfig={"PageSize": 3}
    )
    assert [event["message"] for page in pages for event in page["events"]] == [f"step {n}" for n in range(4)]


def test_a_broken_token_is_refused(start_aws):
    aws = start_aws()
    aws.logs.write(GROUP, "job/algo-1-1", "x")
    with pytest.raises(ClientError, match="nextToken is invalid"):
        boto3.client("logs").get_log_events(logGroupName=GROUP, logStreamName="job/algo-1-1", nextToken="what")
