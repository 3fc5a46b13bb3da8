"""The three documents that make an endpoint: model, endpoint configuration, endpoint.

The container is AWS's Large Model Inference image (DJL Serving) in its asynchronous mode, in which vLLM's own
completions API answers at /invocations; the mode and its variables: docs.djl.ai, LMI, vLLM user guide.
"""

import hashlib
import re
from typing import Any

from fimsmith import config
from fimsmith.deploy.exported import Exported
from fimsmith.launch import sagemaker_request

OWNER = "fimsmith:deployment"  # tag whose value is the deployment's name: what carries it may be deleted
SOURCE = "fimsmith:export"  # tag: the export that is served
ATTEMPT = "fimsmith:attempt"  # tag: the very invocation that made it, which alone may undo it
VARIANT = "fimsmith"
_LMI = {
    "OPTION_ASYNC_MODE": "true",
    "OPTION_ROLLING_BATCH": "disable",
    "OPTION_ENTRYPOINT": "djl_python.lmi_vllm.vllm_async_service",
    "OPTION_TENSOR_PARALLEL_DEGREE": "max",  # all GPUs of the instance hold one model
    "SERVING_FAIL_FAST": "true",  # end at the first fault: waiting for the health check hides it
    "HF_HUB_OFFLINE": "1",
}


def named(title: str, place: str) -> str:
    """Name a deployment: the same for the same model's name and root, at most 63 of [a-zA-Z0-9-]."""
    slug = re.sub(r"[^a-zA-Z0-9]+", "-", title).strip("-")[:40].rstrip("-")
    return f"fimsmith-{slug}-{hashlib.sha256(place.rstrip('/').encode()).hexdigest()[:8]}"


def source(exported: Exported) -> str:
    """Write the export's address in what characters and length a tag may have."""
    return re.sub(r"[^\w.:/=+@ -]", "_", exported.uri)[:256]


def model(name: str, settings: config.SageMaker, exported: Exported) -> dict[str, Any]:
    """Return the request for CreateModel."""
    context = exported.fim["max_context"]
    length = {"OPTION_MAX_MODEL_LEN": str(context)} if context else {}
    data = {"S3Uri": exported.model, "S3DataType": "S3Prefix", "CompressionType": "None"}
    request: dict[str, Any] = {
        "ModelName": name,
        "PrimaryContainer": {
            "Image": settings.endpoint.image,
            "ModelDataSource": {"S3DataSource": data},
            "Environment": {**_LMI, **length, **settings.endpoint.environment},
        },
        "ExecutionRoleArn": settings.role,
        "EnableNetworkIsolation": settings.network_isolation,
        "Tags": _tags(name, settings, exported),
    }
    if settings.subnets:
        request["VpcConfig"] = {"Subnets": settings.subnets, "SecurityGroupIds": settings.security_groups}
    return request


def endpoint_config(name: str, settings: config.SageMaker, exported: Exported) -> dict[str, Any]:
    """Return the request for CreateEndpointConfig."""
    endpoint = settings.endpoint
    variant = {
        "VariantName": VARIANT,
        "ModelName": name,
        "InstanceType": endpoint.instance_type,
        "InitialInstanceCount": endpoint.instances,
        "ModelDataDownloadTimeoutInSeconds": endpoint.download,
        "ContainerStartupHealthCheckTimeoutInSeconds": endpoint.startup,
        **({"InferenceAmiVersion": endpoint.ami} if endpoint.ami else {}),
    }
    return {
        "EndpointConfigName": name,
        "ProductionVariants": [variant],
        "Tags": _tags(name, settings, exported),
        **sagemaker_request.disk_key(settings, endpoint.instance_type, "KmsKeyId"),
    }


def endpoint(name: str, settings: config.SageMaker, exported: Exported) -> dict[str, Any]:
    """Return the request for CreateEndpoint."""
    return {"EndpointName": name, "EndpointConfigName": name, "Tags": _tags(name, settings, exported)}


def _tags(name: str, settings: config.SageMaker, exported: Exported) -> list[dict[str, str]]:
    tags = {**settings.tags, OWNER: name, SOURCE: source(exported)}
    return [{"Key": key, "Value": value} for key, value in tags.items()]
