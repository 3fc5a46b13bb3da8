"""fimsmith.launch.aws and sagemaker_reasons: what is said of a refusal, and what is not."""

import boto3
import pytest
from botocore.exceptions import ClientError

from fimsmith import config, storage
from fimsmith.launch import aws, sagemaker_reasons
from fimsmith.storage import s3

PLACE = config.SageMaker(role="arn:aws:iam::123456789012:role/fimsmith", image="train:1")


def refused(code: str, message: str) -> ClientError:
    answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": 403}}
    return ClientError(answer, "CreateTrainingJob")  # type: ignore[arg-type]


def test_a_refused_signature_is_told_without_the_request_that_was_signed():
    signed = "The request signature we calculated does not match. The Canonical String for this request should have been 'POST / x-amz-security-token:FwoGZXIvYXdz'"
    said = "".join(aws.reason(refused("InvalidSignatureException", signed)))
    assert "does not match" in said
    assert "FwoGZXIvYXdz" not in said


def test_a_token_is_not_said_wherever_it_stands():
    said = "".join(aws.reason(refused("ValidationException", "X-Amz-Security-Token:FwoGZXIvYXdz is not valid")))
    assert "FwoGZXIvYXdz" not in said


def test_what_a_warm_pool_costs_is_in_the_bill():
    found = {
        "ResourceConfig": {"InstanceType": "ml.g5.xlarge", "InstanceCount": 2},
        "BillableTimeInSeconds": 3600,
        "WarmPoolStatus": {"Status": "Reused", "ResourceRetainedBillableTimeInSeconds": 900},
    }
    text = sagemaker_reasons.expense(found, {"ml.g5.xlarge": 10.0})
    assert text.endswith(", 0.50 hours in a warm pool, cost 25.00")
    found["WarmPoolStatus"] = {"Status": "InUse"}
    assert sagemaker_reasons.expense(found, {"ml.g5.xlarge": 10.0}).endswith("ml.g5.xlarge, cost 20.00")


def test_a_login_that_is_renewed_counts_for_the_store_too(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    before = s3._client()
    aws.Account(print)
    assert s3._client() is not before
    storage.renew()


@pytest.mark.parametrize("text", ["no permission to write there", "AccessDenied for a file", "cannot pull the image"])
def test_what_the_container_says_of_itself_is_not_taken_for_a_fault_of_the_account(text: str):
    found = {
        "TrainingJobStatus": "Failed",
        "FailureReason": f"AlgorithmError: {text}, exit code: 1",
        "ResourceConfig": {"InstanceType": "ml.p5.48xlarge"},
    }
    cause = sagemaker_reasons.failure(found, "train", PLACE)
    assert cause.text == text
    assert cause.fix is None


@pytest.mark.parametrize(
    "text",
    [
        "RuntimeError: [../third_party/gloo/gloo/transport/tcp/pair.cc:525] Connection closed by peer [10.0.1.7]:34",
        "DistBackendError: NCCL error in: ProcessGroupNCCL.cpp:1691, remote process exited or there was a network error",
        "ConnectionResetError: [Errno 104] Connection reset by peer",
    ],
)
def test_a_host_that_only_lost_another_one_does_not_explain_the_failure(text: str):
    found = {
        "TrainingJobStatus": "Failed",
        "FailureReason": f"AlgorithmError: train ended with exit code 1: {text}, exit code: 1",
        "ResourceConfig": {"InstanceType": "ml.p5.48xlarge"},
    }
    assert not sagemaker_reasons.failure(found, "train", PLACE).explained
    found["FailureReason"] = "AlgorithmError: the loss is not a finite number at step 7, exit code: 1"
    assert sagemaker_reasons.failure(found, "train", PLACE).explained
