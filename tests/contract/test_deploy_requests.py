"""The documents that make an endpoint, as the configuration asks for them."""

from fimsmith.deploy import exported, request
from tests.contract.served import FIM, ROLE, settings


def test_the_requests_are_as_configured(s3: str):
    configuration = settings(
        f"{s3}/root",
        subnets=["subnet-1"],
        security_groups=["sg-1"],
        network_isolation=True,
        tags={"team": "tools"},
        endpoint={
            "image": "image",
            "instance_type": "ml.g5.2xlarge",
            "instances": 2,
            "ami": "al2023-ami-sagemaker-inference-gpu-4-1",
            "download": 700,
            "startup": 900,
            "environment": {"OPTION_GPU_MEMORY_UTILIZATION": "0.8"},
        },
    ).run.sagemaker
    there = exported.Exported("s3://bucket/exports/a b", FIM)
    tags = [
        {"Key": "team", "Value": "tools"},
        {"Key": "fimsmith:deployment", "Value": "name"},
        {"Key": "fimsmith:export", "Value": "s3://bucket/exports/a b"},
    ]
    assert request.model("name", configuration, there) == {
        "ModelName": "name",
        "PrimaryContainer": {
            "Image": "image",
            "ModelDataSource": {
                "S3DataSource": {
                    "S3Uri": "s3://bucket/exports/a b/model/",
                    "S3DataType": "S3Prefix",
                    "CompressionType": "None",
                }
            },
            "Environment": {
                "OPTION_ASYNC_MODE": "true",
                "OPTION_ROLLING_BATCH": "disable",
                "OPTION_ENTRYPOINT": "djl_python.lmi_vllm.vllm_async_service",
                "OPTION_TENSOR_PARALLEL_DEGREE": "max",
                "SERVING_FAIL_FAST": "true",
                "HF_HUB_OFFLINE": "1",
                "OPTION_MAX_MODEL_LEN": "4096",
                "OPTION_GPU_MEMORY_UTILIZATION": "0.8",
            },
        },
        "ExecutionRoleArn": ROLE,
        "EnableNetworkIsolation": True,
        "VpcConfig": {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
        "Tags": tags,
    }
    assert request.endpoint_config("name", configuration, there) == {
        "EndpointConfigName": "name",
        "ProductionVariants": [
            {
                "VariantName": "fimsmith",
                "ModelName": "name",
                "InstanceType": "ml.g5.2xlarge",
                "InitialInstanceCount": 2,
                "ModelDataDownloadTimeoutInSeconds": 700,
                "ContainerStartupHealthCheckTimeoutInSeconds": 900,
                "InferenceAmiVersion": "al2023-ami-sagemaker-inference-gpu-4-1",
            }
        ],
        "Tags": tags,
    }
    assert request.endpoint("name", configuration, there) == {
        "EndpointName": "name",
        "EndpointConfigName": "name",
        "Tags": tags,
    }


def test_a_name_has_at_most_63_letters_digits_and_hyphens():
    name = request.named("Company_Coder 6.7B " * 9, "s3://bucket/root")
    assert len(name) <= 63
    assert name.replace("-", "").isalnum()
    assert name == request.named("Company_Coder 6.7B " * 9, "s3://bucket/root/")
    assert name != request.named("Company_Coder 6.7B " * 9, "s3://bucket/other")
