"""Write a job as the document of CreateTrainingJob: a pure function of the job, its inputs and the configuration."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from fimsmith import config, sagemaker
from fimsmith.manifest import Manifest

if TYPE_CHECKING:
    from fimsmith.launch import Job

_LONGEST = 63  # characters of a name
_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_METRICS = ("train_loss", "eval_loss", "learning_rate", "grad_norm", "tokens_per_second", "epoch")
# families with a disk of their own, whose encryption is not ours to choose: a key for it is refused
_OWN_DISK = re.compile(r"ml\.(?:p3dn|p[4-9]|g[4-9]|trn|[a-z]\d+[a-z]*d\.)")


def name(job: Job, number: int) -> str:
    """Name an attempt at a job: the same work for the same root has the same names, counted from 1."""
    digest = hashlib.sha256(job.argument.encode()).hexdigest()[:8]
    end = f"-{digest}-{number}"
    text = re.sub(r"[^a-zA-Z0-9]+", "-", f"fimsmith-{job.name}")[: _LONGEST - len(end)]
    return text.strip("-") + end


def output(job: Job) -> str:
    """Where all attempts' results go, each below its own name."""
    return f"{job.destination}/sagemaker"


def results(job: Job, number: int) -> str:
    """Where an attempt's results are."""
    return f"{output(job)}/{name(job, number)}/output/model"


def instance_type(job: Job, settings: config.SageMaker) -> str:
    """The instances that a job gets."""
    return settings.instance_type if job.distributed else settings.single_instance_type or settings.instance_type


def request(job: Job, inputs: list[Manifest], place: config.Run, number: int, run_id: str | None) -> dict[str, Any]:
    """Render an attempt; what is not set is left out."""
    settings = place.sagemaker
    tags = {**settings.tags, "fimsmith:stage": job.stage, **({"fimsmith:run": run_id} if run_id else {})}
    document = {
        "TrainingJobName": name(job, number),
        "AlgorithmSpecification": {
            "TrainingImage": settings.image,
            "TrainingInputMode": "File" if settings.fsx else settings.input_mode,
            "ContainerEntrypoint": ["python", "-m", "fimsmith.sagemaker"],
            "ContainerArguments": ["train"],
            **({"MetricDefinitions": _metrics()} if job.distributed else {}),
        },
        "HyperParameters": {"job": job.argument},
        "RoleArn": settings.role,
        "InputDataConfig": _channels(job, inputs, place),
        "OutputDataConfig": {"S3OutputPath": output(job), "CompressionType": "NONE", **_key(settings, "KmsKeyId")},
        "ResourceConfig": _resources(job, settings),
        "StoppingCondition": {
            "MaxRuntimeInSeconds": settings.max_runtime,
            **({"MaxWaitTimeInSeconds": settings.max_wait} if settings.spot else {}),
        },
        "Environment": _environment(job),
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
        "EnableNetworkIsolation": settings.network_isolation,
        "EnableInterContainerTrafficEncryption": settings.encrypt_between,
        "EnableManagedSpotTraining": settings.spot,
    }
    if job.distributed:
        document["CheckpointConfig"] = {"S3Uri": f"{job.destination}/checkpoints", "LocalPath": "/opt/ml/checkpoints"}
    if settings.subnets:
        document["VpcConfig"] = {"Subnets": settings.subnets, "SecurityGroupIds": settings.security_groups}
    if settings.retries:
        document["RetryStrategy"] = {"MaximumRetryAttempts": settings.retries}
    return document


def _metrics() -> list[dict[str, str]]:
    """What CloudWatch finds in the lines of metrics.jsonl, which the container prints."""
    return [{"Name": each, "Regex": f'"{each}": ([0-9.eE+-]+)'} for each in _METRICS]


def _channels(job: Job, inputs: list[Manifest], place: config.Run) -> list[dict[str, Any]]:
    """The specification, every input that has files, and in one channel the inputs that are too many for their own."""
    channels = [_s3(sagemaker.JOB, "S3Prefix", job.argument)]
    for number, each in enumerate(inputs[: sagemaker.OWN]):
        if each.files:
            channels.append(_input(sagemaker.INPUT.format(number), each.uri, place))
    if inputs[sagemaker.OWN :]:
        root = place.root.rstrip("/")
        listed = _s3(sagemaker.REST, "ManifestFile", rest(job))
        channels.append(_input(sagemaker.REST, root, place) if place.sagemaker.fsx else listed)
    return channels


def rest(job: Job) -> str:
    """Where the list of the files of all further inputs is."""
    return f"{job.destination}/log/inputs.manifest"


def listing(inputs: list[Manifest], root: str) -> list[Any]:
    """List the files of inputs below a root, as SageMaker takes it: a prefix and what is appended to it."""
    prefix = f"{root.rstrip('/')}/"
    return [{"prefix": prefix}, *(f"{each.uri.removeprefix(prefix)}/{name}" for each in inputs for name in each.files)]


def _input(channel: str, uri: str, place: config.Run) -> dict[str, Any]:
    root, settings = place.root.rstrip("/"), place.sagemaker
    if not settings.fsx or not f"{uri}/".startswith(f"{root}/"):
        return _s3(channel, "S3Prefix", f"{uri}/")  # without the slash: all whose names begin so
    source = {
        "FileSystemId": settings.fsx,
        "FileSystemType": "FSxLustre",
        "FileSystemAccessMode": "ro",
        "DirectoryPath": f"{settings.fsx_directory.rstrip('/')}{uri.removeprefix(root)}" or "/",
    }
    return {"ChannelName": channel, "DataSource": {"FileSystemDataSource": source}}


def _s3(channel: str, kind: str, uri: str) -> dict[str, Any]:
    source = {"S3DataType": kind, "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    # small files, and a list of files, are copied whatever the mode of the others
    mode = {} if kind == "S3Prefix" and uri.endswith("/") else {"InputMode": "File"}
    return {"ChannelName": channel, "DataSource": {"S3DataSource": source}, **mode}


def _resources(job: Job, settings: config.SageMaker) -> dict[str, Any]:
    kind = instance_type(job, settings)
    alike = kind == settings.instance_type  # else neither a later training nor the plan has a use for it
    return {
        "InstanceType": kind,
        "InstanceCount": job.nodes,
        "VolumeSizeInGB": settings.volume,
        **disk_key(settings, kind, "VolumeKmsKeyId"),
        **({"KeepAlivePeriodInSeconds": settings.keep_alive} if settings.keep_alive and alike else {}),
        **({"TrainingPlanArn": settings.training_plan} if settings.training_plan and alike else {}),
    }


def disk_key(settings: config.SageMaker, kind: str, field: str) -> dict[str, str]:
    """The field that names the key of the instances' disk, where that is a disk that takes one."""
    return {} if _OWN_DISK.match(kind) else _key(settings, field)


def _key(settings: config.SageMaker, field: str) -> dict[str, str]:
    return {field: settings.kms_key} if settings.kms_key else {}


def _environment(job: Job) -> dict[str, str]:
    """The job's own variables, and those set on its KFP task as plain values: no keys, wherever they come from.

    Whoever may describe the job sees its variables, and run.sagemaker.role lets it reach the store.
    """
    given = {each["name"]: each["value"] for each in job.placement.env if each.get("value")}
    wished = {name: value for name, value in given.items() if name not in _CREDENTIALS}
    return {**job.env, sagemaker.PROCESSES: str(job.processes), **wished}
