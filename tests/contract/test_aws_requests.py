"""The fake account refuses training jobs for the reasons, and in the words, of the real service."""

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.contract import jobs


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return error.value.response["Error"]["Code"]


def test_a_name_is_used_up_by_its_first_job(start_aws, s3: str):
    start_aws()
    jobs.run(jobs.request(s3, "raise SystemExit(1)"))
    with pytest.raises(ClientError, match="must be unique within an AWS account and region") as error:
        jobs.run(jobs.request(s3, ""))
    assert code(error) == "ResourceInUse"


def test_a_quota_of_zero_refuses_the_job_in_the_services_words(start_aws, s3: str):
    start_aws(quotas={"ml.p5.48xlarge for training job usage": 0})
    resources = {"InstanceType": "ml.p5.48xlarge", "InstanceCount": 2, "VolumeSizeInGB": 10}
    with pytest.raises(ClientError) as error:
        jobs.run(jobs.request(s3, "", ResourceConfig=resources))
    assert code(error) == "ResourceLimitExceeded"
    assert error.value.response["Error"]["Message"].startswith(
        "The account-level service limit 'ml.p5.48xlarge for training job usage' is 0 Instances, with current "
        "utilization of 0 Instances and a request delta of 2 Instances."
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"RoleArn": "arn:aws:iam::123456789012:role/nobody"}, "Could not assume role"),
        ({"EnableManagedSpotTraining": True}, "Invalid MaxWaitTimeInSeconds"),
        (
            {"StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60}},
            "Invalid MaxWaitTimeInSeconds",
        ),
        ({"ResourceConfig": {"InstanceType": "ml.m5.xlarge"}}, "InstanceCount is required"),
    ],
)
def test_a_request_that_contradicts_itself_is_refused(start_aws, s3: str, change: dict, message: str):
    start_aws()
    with pytest.raises(ClientError, match=message):
        jobs.run(jobs.request(s3, "", **change))


def test_a_channel_without_objects_is_refused(start_aws, s3: str):
    start_aws()
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"{s3}/nothing/"}}
    with pytest.raises(ClientError, match="No S3 objects found under S3 URL"):
        jobs.run(jobs.request(s3, "", InputDataConfig=[{"ChannelName": "x", "DataSource": source}]))


def test_an_unknown_job_is_a_validation_error(start_aws):
    start_aws()
    with pytest.raises(ClientError, match="Requested resource not found") as error:
        boto3.client("sagemaker").describe_training_job(TrainingJobName="nobody")
    assert code(error) == "ValidationException"
    with pytest.raises(ClientError, match="Requested resource not found") as error:
        boto3.client("sagemaker").stop_training_job(TrainingJobName="nobody")
    assert code(error) == "ResourceNotFound"
