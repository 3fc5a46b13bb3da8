"""Requests for small training jobs, and waiting for them."""

import contextlib
import time
from collections.abc import Callable
from typing import Any

import boto3

ROLE = "arn:aws:iam::123456789012:role/fimsmith"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/train:1.0"
GROUP = "/aws/sagemaker/TrainingJobs"
ENDED = ("Completed", "Failed", "Stopped")


def request(bucket: str, script: str, **changes) -> dict[str, Any]:
    """Ask for a job that runs a Python script in its container.

    The script travels in the environment: a word of ContainerEntrypoint has one line and at most 256 characters.
    """
    environment = {"SCRIPT": script, **changes.pop("Environment", {})}
    return {
        "TrainingJobName": "job-1",
        "AlgorithmSpecification": {
            "TrainingImage": IMAGE,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python", "-u", "-c", "import os; exec(os.environ['SCRIPT'])"],
        },
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": f"{bucket}/out", "CompressionType": "NONE"},
        "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        "Environment": environment,
        **changes,
    }


def spot(bucket: str, script: str, **changes) -> dict[str, Any]:
    """Ask for a job on spot instances that keeps checkpoints."""
    return request(
        bucket,
        script,
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60},
        CheckpointConfig={"S3Uri": f"{bucket}/checkpoints"},
        **changes,
    )


def run(asked: dict[str, Any]) -> dict[str, Any]:
    """Run a job to its end and describe it."""
    boto3.client("sagemaker").create_training_job(**asked)
    return wait(asked["TrainingJobName"], ENDED)


def wait(name: str, statuses: tuple[str, ...], secondary: str | None = None) -> dict[str, Any]:
    """Wait until a job has one of the statuses (and the secondary one, if given) and describe it."""
    client = boto3.client("sagemaker")

    def reached() -> dict[str, Any] | None:
        job = client.describe_training_job(TrainingJobName=name)
        return job if job["TrainingJobStatus"] in statuses and secondary in (None, job["SecondaryStatus"]) else None

    return until(reached)


def until(check: Callable[[], Any]) -> Any:
    """Wait until a check gives something and return it."""
    limit = time.monotonic() + 60
    while not (found := check()):
        if time.monotonic() > limit:
            raise TimeoutError("what the test waits for has not come in a minute")
        time.sleep(0.02)
    return found


def states(job: dict[str, Any]) -> list[str]:
    """List the secondary statuses a job went through."""
    return [step["Status"] for step in job["SecondaryStatusTransitions"]]


def lines(name: str, host: str = "algo-1") -> list[str]:
    """Read what a host printed in all its lives."""
    logs = boto3.client("logs")
    with contextlib.suppress(logs.exceptions.ResourceNotFoundException):  # the group is made by the first line
        return _lines(logs, f"{name}/{host}-")
    return []


def _lines(logs: Any, prefix: str) -> list[str]:
    found = logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=prefix)["logStreams"]
    pages = [
        logs.get_log_events(logGroupName=GROUP, logStreamName=stream["logStreamName"], startFromHead=True)
        for stream in found
    ]
    return [event["message"] for page in pages for event in page["events"]]


def stored(bucket: str, key: str) -> bytes:
    """Read an object of the test's bucket."""
    return boto3.client("s3").get_object(Bucket=bucket.removeprefix("s3://"), Key=key)["Body"].read()


def keys(bucket: str, prefix: str = "") -> list[str]:
    """List the test's bucket."""
    listed = boto3.client("s3").list_objects_v2(Bucket=bucket.removeprefix("s3://"), Prefix=prefix)
    return [item["Key"] for item in listed.get("Contents", [])]


def store(bucket: str, key: str, content: bytes) -> None:
    """Write an object to the test's bucket."""
    boto3.client("s3").put_object(Bucket=bucket.removeprefix("s3://"), Key=key, Body=content)
