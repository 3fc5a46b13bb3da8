"""SageMaker's training jobs as an API: create, describe, stop, list."""

import threading
import time
from typing import TYPE_CHECKING

from tests.contract.errors import AwsError
from tests.contract.job import SPOT_PRICE, Job
from tests.contract.paging import listing

if TYPE_CHECKING:
    from tests.contract.aws import FakeAws

ENDED = ("Completed", "Failed", "Stopped")


class Training:
    """Every training job of the account."""

    def __init__(self, aws: "FakeAws"):
        self.aws = aws
        self.jobs: dict[str, Job] = {}
        self.creating = threading.Lock()  # of two requests for one name the second is refused

    def create_training_job(self, request: dict) -> dict:
        time.sleep(self.aws.behaviour.slow_creation)
        with self.creating:
            return self._create(request)

    def _create(self, request: dict) -> dict:
        arn = self.aws.arn("sagemaker", f"training-job/{request['TrainingJobName']}")
        if request["TrainingJobName"] in self.jobs:
            raise AwsError(
                "ResourceInUse",
                "Training job names must be unique within an AWS account and region, "
                f"and a training job with this name already exists ({arn})",
            )
        _check_complete(request)
        _check_spot(request)
        self.aws.check_role(request["RoleArn"])
        self._check_quota(request)
        resources = request["ResourceConfig"]
        if "VolumeKmsKeyId" in resources and self.aws.has_own_disk(resources["InstanceType"]):
            raise AwsError("ValidationException", "VolumeKmsKeyId is not supported with local instance storage.")
        self._check_channels(request)
        self.aws.tag(arn, request)
        job = self.jobs[request["TrainingJobName"]] = Job(self.aws, request, arn)
        job.thread.start()
        return {"TrainingJobArn": arn}

    def describe_training_job(self, request: dict) -> dict:
        job = self._job(request)
        if job.status == "Deleting":
            del self.jobs[job.name]
        return describe(job)

    def stop_training_job(self, request: dict) -> dict:
        job = self._job(request, code="ResourceNotFound")
        with job.lock:
            if job.status != "InProgress":
                message = f"The request was rejected because the training job is in status {job.status}."
                raise AwsError("ValidationException", message)
            job.stop()
        return {}

    def delete_training_job(self, request: dict) -> dict:
        """Forget a job that has ended: it is Deleting for one look."""
        job = self._job(request)
        if job.status not in ENDED:
            raise AwsError("ValidationException", f"The training job is in status {job.status}.")
        job.status = "Deleting"
        return {}

    def list_training_jobs(self, request: dict) -> dict:
        status = request.get("StatusEquals")
        jobs = [job for job in self.jobs.values() if status in (None, job.status)]
        return listing([describe(job) for job in jobs], request, "TrainingJobSummaries", "TrainingJob")

    def close(self) -> None:
        """End every job that runs."""
        for job in self.jobs.values():
            if job.status not in ENDED:
                job.stopping.set()
        for job in self.jobs.values():
            job.thread.join()

    def _job(self, request: dict, code: str = "ValidationException") -> Job:
        job = self.jobs.get(request["TrainingJobName"])
        if job is None or job.unseen > 0:
            if job is not None:
                job.unseen -= 1
            raise AwsError(code, "Requested resource not found.")
        return job

    def _check_quota(self, request: dict) -> None:
        resources = request["ResourceConfig"]
        kind = "spot training job usage" if request.get("EnableManagedSpotTraining") else "training job usage"
        name = f"{resources['InstanceType']} for {kind}"
        used = sum(
            job.request["ResourceConfig"]["InstanceCount"]
            for job in self.jobs.values()
            if job.status not in ENDED and job.request["ResourceConfig"]["InstanceType"] == resources["InstanceType"]
        )
        self.aws.check_quota(name, used, resources["InstanceCount"])

    def _check_channels(self, request: dict) -> None:
        for channel in request.get("InputDataConfig", []):
            if "FileSystemDataSource" in channel["DataSource"]:
                if "VpcConfig" not in request:
                    raise AwsError("ValidationException", "VpcConfig is required for a FileSystemDataSource.")
                continue
            uri = channel["DataSource"]["S3DataSource"]["S3Uri"]
            if channel["DataSource"]["S3DataSource"]["S3DataType"] not in ("S3Prefix", "ManifestFile"):
                raise AwsError("ValidationException", "the fake account knows only S3Prefix and ManifestFile")
            if not any(True for _ in self.aws.store.names(uri)):
                raise AwsError(
                    "ValidationException",
                    f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the '
                    f"bucket exists in the selected region ({self.aws.region}), that objects exist under that S3 "
                    f'prefix, and that the role "{request["RoleArn"]}" has "s3:ListBucket" permissions on the bucket.',
                )


def _check_complete(request: dict) -> None:
    # optional in the model because a serverless job does without them; every other job needs them
    for name in ("ResourceConfig", "StoppingCondition"):
        if name not in request:
            raise AwsError("ValidationException", f"{name} is required for the training job.")
    for name in ("InstanceType", "InstanceCount", "VolumeSizeInGB"):
        if name not in request["ResourceConfig"]:
            raise AwsError("ValidationException", f"ResourceConfig.{name} is required for the training job.")
    if "TrainingImage" not in request["AlgorithmSpecification"]:
        raise AwsError("ValidationException", "Invalid training image. Please provide a valid Amazon ECR path.")


def _check_spot(request: dict) -> None:
    limits = request["StoppingCondition"]
    spot = request.get("EnableManagedSpotTraining", False)
    wait = limits.get("MaxWaitTimeInSeconds")
    if spot and (wait is None or wait < limits.get("MaxRuntimeInSeconds", 86_400)):
        message = "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds"
        raise AwsError("ValidationException", message)
    if not spot and wait is not None:
        message = "Invalid MaxWaitTimeInSeconds. It must not be given without EnableManagedSpotTraining"
        raise AwsError("ValidationException", message)
    if spot and request["ResourceConfig"].get("KeepAlivePeriodInSeconds"):
        raise AwsError("ValidationException", "KeepAlivePeriodInSeconds is not supported with managed spot training.")


def describe(job: Job) -> dict:
    """Echo the request and add where the job is."""
    with job.lock:
        found = {
            **{name: value for name, value in job.request.items() if name != "Tags"},
            "TrainingJobArn": job.arn,
            "TrainingJobStatus": job.status,
            "SecondaryStatus": job.secondary,
            "SecondaryStatusTransitions": [dict(step) for step in job.transitions],
            "CreationTime": job.created,
            "LastModifiedTime": job.modified,
        }
        if job.started:
            found["TrainingStartTime"] = job.started
        if job.metrics:
            found["FinalMetricDataList"] = list(job.metrics.values())
        return found | (_ending(job) if job.status in ENDED else {})


def _ending(job: Job) -> dict:
    found: dict = {"TrainingEndTime": job.ended}
    if job.started and job.ended:
        seconds = max(1, round((job.ended - job.started).total_seconds()))
        found["TrainingTimeInSeconds"] = seconds
        found["BillableTimeInSeconds"] = max(1, round(seconds * (SPOT_PRICE if job.spot else 1)))
    if job.reason:
        found["FailureReason"] = job.reason
    if job.status != "Failed" and job.started:
        plain = job.request["OutputDataConfig"].get("CompressionType") == "NONE"
        found["ModelArtifacts"] = {"S3ModelArtifacts": f"{job.output()}/{'model/' if plain else 'model.tar.gz'}"}
    if job.request["ResourceConfig"].get("KeepAlivePeriodInSeconds") and job.status == "Completed":
        found["WarmPoolStatus"] = {"Status": "Available", "ResourceRetainedBillableTimeInSeconds": 0}
    return found
