"""The fake account's front door: signatures, validation, faults and permissions."""

import datetime as dt
from unittest import mock

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.contract import jobs

QUICK = Config(retries={"mode": "standard", "max_attempts": 3})


def refused(call, *arguments, **parameters) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(*arguments, **parameters)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def test_a_wrong_secret_is_found_by_the_signature(start_aws):
    start_aws()
    session = boto3.Session("key", "not the secret", "the token")
    code, message = refused(session.client("sagemaker").list_training_jobs)
    assert code == "InvalidSignatureException"
    assert "x-amz-security-token:the token" in message  # the whole request comes back
    assert refused(session.client("sts").get_caller_identity)[0] == "SignatureDoesNotMatch"


def test_an_unknown_key_is_refused_in_each_protocols_words(start_aws):
    start_aws()
    session = boto3.Session("stranger", "secret")
    assert refused(session.client("sagemaker").list_training_jobs)[0] == "UnrecognizedClientException"
    assert refused(session.client("sts").get_caller_identity)[0] == "InvalidClientTokenId"


def test_a_clock_that_is_wrong_is_refused(start_aws):
    start_aws()
    hour_ago = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    client = boto3.client("sagemaker", config=Config(retries={"total_max_attempts": 1}))
    with mock.patch("botocore.auth.get_current_datetime", return_value=hour_ago):
        code, message = refused(client.list_training_jobs)
    assert code == "InvalidSignatureException"
    assert "Signature expired" in message


def test_a_request_signed_for_another_service_is_refused(start_aws):
    aws = start_aws()
    client = boto3.client("sagemaker", config=QUICK)
    client._request_signer._signing_name = "logs"
    assert "correct service: 'sagemaker'" in refused(client.list_training_jobs)[1]
    assert aws.calls == []


def test_an_unsigned_request_is_refused(start_aws):
    from botocore import UNSIGNED

    start_aws()
    client = boto3.client("sagemaker", config=Config(signature_version=UNSIGNED))
    assert refused(client.list_training_jobs)[0] == "MissingAuthenticationTokenException"


def test_every_fault_of_a_request_is_named_as_the_service_does(start_aws, s3: str):
    start_aws()
    asked = jobs.request(s3, "", TrainingJobName="my_job", RoleArn="arn:aws:iam::1:role/x")
    asked["ResourceConfig"]["InstanceType"] = "ml.p9.huge"
    code, message = refused(boto3.client("sagemaker").create_training_job, **asked)
    assert code == "ValidationException"
    assert message.startswith("3 validation errors detected: Value 'my_job' at 'trainingJobName' failed to satisfy")
    assert "Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}" in message
    assert (
        "at 'resourceConfig.instanceType' failed to satisfy constraint: Member must satisfy enum value set" in message
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"TrainingJobName": "a" * 64}, "'trainingJobName' failed to satisfy constraint: Member must have length"),
        ({"Tags": [{"Key": "team", "Value": "R&D"}]}, "'tags.1.member.value' failed to satisfy constraint"),
        ({"HyperParameters": {"job": "x" * 2501}}, "'hyperParameters.job.member' failed to satisfy constraint"),
        ({"Environment": {"A": "x" * 513}}, "'environment.A.member' failed to satisfy constraint"),
        ({"RetryStrategy": {"MaximumRetryAttempts": 31}}, "Member must have value less than or equal to 30"),
    ],
)
def test_bounds_and_patterns_that_botocore_lets_pass_are_refused(start_aws, s3: str, change: dict, message: str):
    start_aws()
    client = boto3.client("sagemaker")
    assert message in refused(client.create_training_job, **jobs.request(s3, "", **change))[1]


def test_required_members_are_checked_without_botocores_help(start_aws):
    start_aws()
    client = boto3.client("sagemaker", config=Config(parameter_validation=False))
    code, message = refused(client.describe_training_job)
    assert (code, message) == (
        "ValidationException",
        "1 validation error detected: Value null at 'trainingJobName' failed to satisfy constraint: "
        "Member must not be null",
    )


def test_throttling_is_retried_by_botocore_itself(start_aws):
    aws = start_aws(errors={"ListTrainingJobs": ["ThrottlingException"] * 2})
    answer = boto3.client("sagemaker", config=QUICK).list_training_jobs()
    assert answer["ResponseMetadata"]["RetryAttempts"] == 2
    assert len(aws.calls) == 3


def test_throttling_that_lasts_longer_than_the_retries_is_seen(start_aws):
    start_aws(errors={"ListTrainingJobs": ["ThrottlingException"] * 9})
    client = boto3.client("sagemaker", config=QUICK)
    assert refused(client.list_training_jobs) == ("ThrottlingException", "Rate exceeded")


def test_expired_credentials_are_not_retried(start_aws):
    aws = start_aws(
        errors={"ListTrainingJobs": ["ExpiredTokenException"], "GetCallerIdentity": ["ExpiredTokenException"]}
    )
    assert refused(boto3.client("sagemaker").list_training_jobs)[0] == "ExpiredTokenException"
    assert refused(boto3.client("sts").get_caller_identity)[0] == "ExpiredToken"
    assert len(aws.calls) == 2


def test_an_action_that_is_not_allowed_is_refused_with_its_name(start_aws, s3: str):
    start_aws(denied={"iam:PassRole", "logs:GetLogEvents"})
    code, message = refused(boto3.client("sagemaker").create_training_job, **jobs.request(s3, ""))
    assert code == "AccessDeniedException"
    assert "not authorized to perform: iam:PassRole on resource: arn:aws:iam::123456789012:role/fimsmith" in message
    logs = boto3.client("logs")
    assert "logs:GetLogEvents" in refused(logs.get_log_events, logGroupName="g", logStreamName="s")[1]


def test_calls_are_kept_with_their_parameters(start_aws):
    aws = start_aws()
    boto3.client("sagemaker").list_training_jobs(NameContains="x")
    boto3.client("sts").get_caller_identity()
    assert aws.calls == [
        ("sagemaker", "ListTrainingJobs", {"NameContains": "x"}),
        ("sts", "GetCallerIdentity", {}),
    ]


def test_an_operation_that_the_fake_lacks_says_so(start_aws):
    start_aws()
    assert refused(boto3.client("sagemaker").list_notebook_instances)[0] == "UnknownOperationException"
