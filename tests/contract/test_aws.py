"""The fake account itself: the states, words and refusals that the launcher's tests rely on."""

import time
from collections.abc import Callable, Iterator

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.contract.aws import FakeAws

ROLE = "arn:aws:iam::123456789012:role/fimsmith"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/train:1.0"
Start = Callable[..., FakeAws]


@pytest.fixture
def start(s3: str, tmp_path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start a fake account that behaves as asked; the SDK's environment points at it."""
    import os

    accounts = []

    def begin(**behaviour) -> FakeAws:
        aws = FakeAws(os.environ["AWS_ENDPOINT_URL"], tmp_path / "hosts", **behaviour).__enter__()
        accounts.append(aws)
        for name, value in aws.environment.items():
            monkeypatch.setenv(name, value)
        return aws

    yield begin
    for aws in accounts:
        aws.__exit__()


def request(bucket: str, script: str, **changes) -> dict:
    return {
        "TrainingJobName": "job-1",
        "AlgorithmSpecification": {
            "TrainingImage": IMAGE,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python", "-c", script],
        },
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": f"{bucket}/out", "CompressionType": "NONE"},
        "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        **changes,
    }


def finished(client, name: str = "job-1") -> dict:
    while True:
        job = client.describe_training_job(TrainingJobName=name)
        if job["TrainingJobStatus"] in ("Completed", "Failed", "Stopped"):
            return job
        time.sleep(0.02)


def states(job: dict) -> list[str]:
    return [step["Status"] for step in job["SecondaryStatusTransitions"]]


def test_a_job_runs_its_container_and_uploads_the_model(start: Start, s3: str):
    start()
    client = boto3.client("sagemaker")
    client.create_training_job(**request(s3, "print('hello'); open('model/weights','w').write('w')"))
    job = finished(client)
    assert job["TrainingJobStatus"] == "Completed", job
    assert states(job) == ["Starting", "Pending", "Downloading", "Training", "Uploading", "Completed"]
    bucket = s3.removeprefix("s3://")
    found = boto3.client("s3").get_object(Bucket=bucket, Key="out/job-1/output/model/weights")
    assert found["Body"].read() == b"w"
    logs = boto3.client("logs")
    group = "/aws/sagemaker/TrainingJobs"
    (stream,) = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix="job-1/")["logStreams"]
    events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)
    assert [event["message"] for event in events["events"]] == ["hello"]
