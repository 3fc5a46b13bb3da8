"""The fake account's endpoints, roles, quotas, registry and tags."""

import json

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.contract import jobs

VARIANT = {"VariantName": "AllTraffic", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.g5.xlarge"}
UNHEALTHY = "The primary container for production variant AllTraffic did not pass the ping health check."


def deploy(bucket: str):
    jobs.store(bucket, "export/config.json", b"{}")
    client = boto3.client("sagemaker")
    source = {"S3Uri": f"{bucket}/export/", "S3DataType": "S3Prefix", "CompressionType": "None"}
    container = {"Image": jobs.IMAGE, "ModelDataSource": {"S3DataSource": source}}
    client.create_model(ModelName="m", PrimaryContainer=container, ExecutionRoleArn=jobs.ROLE)
    client.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[VARIANT])
    client.create_endpoint(EndpointName="e", EndpointConfigName="c")
    return client


def status(client) -> str:
    return client.describe_endpoint(EndpointName="e")["EndpointStatus"]


def test_an_endpoint_is_created_asked_and_deleted(start_aws, s3: str):
    start_aws(model=lambda body: body.upper())
    client = deploy(s3)
    assert [status(client) for _ in range(3)] == ["Creating", "Creating", "InService"]
    runtime = boto3.client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(EndpointName="e", Body=b"public", ContentType="text/plain")
    assert answer["Body"].read() == b"PUBLIC"
    client.delete_endpoint(EndpointName="e")
    assert status(client) == "Deleting"
    with pytest.raises(
        ClientError, match='Could not find endpoint "arn:aws:sagemaker:us-east-1:123456789012:endpoint/e"'
    ):
        status(client)
    client.delete_endpoint_config(EndpointConfigName="c")
    client.delete_model(ModelName="m")
    assert client.list_models()["Models"] == client.list_endpoint_configs()["EndpointConfigs"] == []


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [({"healthy": False}, UNHEALTHY), ({"capacity": False}, "Unable to provision requested ML compute capacity")],
)
def test_an_endpoint_fails_with_its_reason(start_aws, s3: str, behaviour: dict, reason: str):
    start_aws(**behaviour)
    client = deploy(s3)
    with pytest.raises(Exception, match="terminal failure state"):
        client.get_waiter("endpoint_in_service").wait(EndpointName="e", WaiterConfig={"Delay": 0})
    assert client.describe_endpoint(EndpointName="e")["FailureReason"].startswith(reason)


def test_an_endpoint_that_is_not_in_service_cannot_be_asked_or_deleted(start_aws, s3: str):
    start_aws()
    client = deploy(s3)
    runtime = boto3.client("sagemaker-runtime")
    with pytest.raises(ClientError, match="Endpoint e of account 123456789012 not found") as error:
        runtime.invoke_endpoint(EndpointName="e", Body=b"")
    assert error.value.response["Error"]["Code"] == "ValidationError"
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        client.delete_endpoint(EndpointName="e")


def test_a_model_that_raises_is_a_model_error(start_aws, s3: str):
    def model(body: bytes) -> bytes:
        raise ValueError("CUDA out of memory")

    start_aws(model=model)
    deploy(s3).get_waiter("endpoint_in_service").wait(EndpointName="e", WaiterConfig={"Delay": 0})
    runtime = boto3.client("sagemaker-runtime")
    with pytest.raises(runtime.exceptions.ModelError) as error:
        runtime.invoke_endpoint(EndpointName="e", Body=b"")
    assert error.value.response["OriginalStatusCode"] == 500
    assert error.value.response["OriginalMessage"] == "CUDA out of memory"
    assert 'Received server error (500) from primary with message "CUDA out of memory"' in str(error.value)


def test_what_exists_cannot_be_made_again_and_what_is_missing_is_named(start_aws, s3: str):
    start_aws()
    client = deploy(s3)
    with pytest.raises(ClientError, match="Cannot create already existing endpoint configuration"):
        client.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[VARIANT])
    with pytest.raises(ClientError, match="Could not find model"):
        client.create_endpoint_config(EndpointConfigName="d", ProductionVariants=[{**VARIANT, "ModelName": "n"}])
    with pytest.raises(ClientError, match="Could not find endpoint configuration"):
        client.create_endpoint(EndpointName="f", EndpointConfigName="nothing")


def test_model_data_must_be_there_under_a_prefix_with_a_slash(start_aws, s3: str):
    start_aws()
    client = boto3.client("sagemaker")
    for uri, message in ((f"{s3}/export", "forward slash"), (f"{s3}/export/", "Could not find model data")):
        source = {"S3Uri": uri, "S3DataType": "S3Prefix", "CompressionType": "None"}
        container = {"Image": jobs.IMAGE, "ModelDataSource": {"S3DataSource": source}}
        with pytest.raises(ClientError, match=message):
            client.create_model(ModelName="m", PrimaryContainer=container, ExecutionRoleArn=jobs.ROLE)


def test_the_quota_of_endpoints_is_kept(start_aws, s3: str):
    start_aws(quotas={"ml.g5.xlarge for endpoint usage": 1})
    client = deploy(s3)
    with pytest.raises(ClientError, match="'ml.g5.xlarge for endpoint usage' is 1 Instances, with current utilization"):
        client.create_endpoint(EndpointName="second", EndpointConfigName="c")


def test_a_role_shows_who_may_assume_it(start_aws):
    start_aws(roles={"fimsmith": "ec2.amazonaws.com"})
    client = boto3.client("iam")
    policy = client.get_role(RoleName="fimsmith")["Role"]["AssumeRolePolicyDocument"]
    assert json.loads(json.dumps(policy))["Statement"][0]["Principal"] == {"Service": "ec2.amazonaws.com"}
    with pytest.raises(client.exceptions.NoSuchEntityException, match="The role with name nobody cannot be found"):
        client.get_role(RoleName="nobody")


def test_a_policy_is_simulated_for_each_action_and_resource(start_aws):
    start_aws(denied={"iam:PassRole"})
    client = boto3.client("iam")
    source = boto3.client("sts").get_caller_identity()["Arn"]
    actions = ["iam:PassRole", "sagemaker:CreateTrainingJob"]
    found = client.simulate_principal_policy(PolicySourceArn=source, ActionNames=actions, ResourceArns=[jobs.ROLE])
    decisions = {each["EvalActionName"]: each["EvalDecision"] for each in found["EvaluationResults"]}
    assert decisions == {"iam:PassRole": "implicitDeny", "sagemaker:CreateTrainingJob": "allowed"}


def test_the_session_of_an_assumed_role_is_no_policy_source(start_aws):
    start_aws(caller="arn:aws:sts::123456789012:assumed-role/team/me")
    source = boto3.client("sts").get_caller_identity()["Arn"]
    with pytest.raises(ClientError, match="does not clearly define entity type and name"):
        boto3.client("iam").simulate_principal_policy(PolicySourceArn=source, ActionNames=["s3:GetObject"])


def test_quotas_come_in_many_pages(start_aws):
    start_aws(quotas={"ml.p5.48xlarge for training job usage": 2})
    client = boto3.client("service-quotas")
    pages = list(client.get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker"))
    quotas = {quota["QuotaName"]: quota for page in pages for quota in page["Quotas"]}
    quota = quotas["ml.p5.48xlarge for training job usage"]
    assert len(pages) > 5
    assert quota["Value"] == 2
    assert client.get_service_quota(ServiceCode="sagemaker", QuotaCode=quota["QuotaCode"])["Quota"] == quota
    with pytest.raises(client.exceptions.NoSuchResourceException):
        client.get_service_quota(ServiceCode="sagemaker", QuotaCode="L-NOTHING0")


def test_the_registry_knows_its_images(start_aws):
    start_aws(images=["train:1.0"])
    client = boto3.client("ecr")
    (image,) = client.describe_images(repositoryName="train", imageIds=[{"imageTag": "1.0"}])["imageDetails"]
    by_digest = client.describe_images(repositoryName="train", imageIds=[{"imageDigest": image["imageDigest"]}])
    assert by_digest["imageDetails"][0]["imageTags"] == ["1.0"]
    with pytest.raises(client.exceptions.ImageNotFoundException, match="imageTag:'2.0'} does not exist within"):
        client.describe_images(repositoryName="train", imageIds=[{"imageTag": "2.0"}])
    with pytest.raises(client.exceptions.RepositoryNotFoundException, match="'other' does not exist in the registry"):
        client.describe_repositories(repositoryNames=["other"])
    with pytest.raises(ClientError, match="no resource-based policy allows the ecr:DescribeImages action"):
        client.describe_images(registryId="763104351884", repositoryName="djl-inference")


def test_tags_are_kept_and_added(start_aws, s3: str):
    start_aws()
    client = boto3.client("sagemaker")
    arn = client.create_training_job(**jobs.request(s3, "", Tags=[{"Key": "run", "Value": "1"}]))["TrainingJobArn"]
    client.add_tags(ResourceArn=arn, Tags=[{"Key": "run", "Value": "2"}, {"Key": "team", "Value": "x"}])
    assert {tag["Key"]: tag["Value"] for tag in client.list_tags(ResourceArn=arn)["Tags"]} == {"run": "2", "team": "x"}
