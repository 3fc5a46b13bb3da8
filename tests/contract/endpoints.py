"""SageMaker hosting: models, endpoint configurations, endpoints, and the runtime that asks them.

An endpoint moves on when it is looked at: it is Creating for two looks and Deleting for one, so that no test waits.
"""

from typing import TYPE_CHECKING

from tests.contract.errors import AwsError
from tests.contract.job import now
from tests.contract.paging import listing

if TYPE_CHECKING:
    from tests.contract.aws import FakeAws

UNHEALTHY = (
    "The primary container for production variant {} did not pass the ping health check. "
    "Please check CloudWatch logs for this endpoint."
)
NO_CAPACITY = (
    "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. "
    "Please retry using a different ML instance type or after some time."
)


class Endpoints:
    """Models, configurations and endpoints of the account, by name."""

    def __init__(self, aws: "FakeAws"):
        self.aws = aws
        self.models: dict[str, dict] = {}
        self.configs: dict[str, dict] = {}
        self.endpoints: dict[str, dict] = {}

    def create_model(self, request: dict) -> dict:
        arn = self._new("model", self.models, request["ModelName"], request)
        if ("PrimaryContainer" in request) == ("Containers" in request):
            raise AwsError("ValidationException", "Give either PrimaryContainer or Containers.")
        if "ExecutionRoleArn" not in request:
            raise AwsError("ValidationException", "ExecutionRoleArn is required for the model.")
        self.aws.check_role(request["ExecutionRoleArn"])
        for container in request.get("Containers") or [request["PrimaryContainer"]]:
            self._check_container(container)
        self.models[request["ModelName"]] = _record(request, "ModelArn", arn)
        return {"ModelArn": arn}

    def describe_model(self, request: dict) -> dict:
        return self._known("model", self.models, request["ModelName"])

    def list_models(self, request: dict) -> dict:
        return listing(self.models.values(), request, "Models", "Model")

    def delete_model(self, request: dict) -> dict:
        self._known("model", self.models, request["ModelName"])
        del self.models[request["ModelName"]]
        return {}

    def create_endpoint_config(self, request: dict) -> dict:
        arn = self._new("endpoint-config", self.configs, request["EndpointConfigName"], request)
        for variant in request["ProductionVariants"]:
            self._known("model", self.models, variant["ModelName"])
            if "KmsKeyId" in request and self.aws.has_own_disk(variant.get("InstanceType", "")):
                raise AwsError(
                    "ValidationException", "KmsKeyId cannot be used with an instance type with local storage."
                )
            if "ServerlessConfig" not in variant and not {"InstanceType", "InitialInstanceCount"} <= variant.keys():
                raise AwsError("ValidationException", "InstanceType and InitialInstanceCount are required.")
        self.configs[request["EndpointConfigName"]] = _record(request, "EndpointConfigArn", arn)
        return {"EndpointConfigArn": arn}

    def describe_endpoint_config(self, request: dict) -> dict:
        return self._known("endpoint-config", self.configs, request["EndpointConfigName"])

    def list_endpoint_configs(self, request: dict) -> dict:
        return listing(self.configs.values(), request, "EndpointConfigs", "EndpointConfig")

    def delete_endpoint_config(self, request: dict) -> dict:
        self._known("endpoint-config", self.configs, request["EndpointConfigName"])
        del self.configs[request["EndpointConfigName"]]
        return {}

    def create_endpoint(self, request: dict) -> dict:
        name = request["EndpointName"]
        arn = self._new("endpoint", self.endpoints, name, request)
        variants = self._known("endpoint-config", self.configs, request["EndpointConfigName"])["ProductionVariants"]
        for variant in variants:
            if kind := variant.get("InstanceType"):
                self.aws.check_quota(f"{kind} for endpoint usage", self._used(kind), variant["InitialInstanceCount"])
        self.endpoints[name] = {
            **_record(request, "EndpointArn", arn),
            "EndpointStatus": "Creating",
            "ProductionVariants": [self._running(variant) for variant in variants],
            "LastModifiedTime": now(),
            "looks": 0,
        }
        return {"EndpointArn": arn}

    def describe_endpoint(self, request: dict) -> dict:
        name = request["EndpointName"]
        endpoint = self._known("endpoint", self.endpoints, name)
        seen = {key: value for key, value in endpoint.items() if key != "looks"}
        self._look(name, endpoint)
        return seen

    def list_endpoints(self, request: dict) -> dict:
        status = request.get("StatusEquals")
        chosen = [each for each in self.endpoints.values() if status in (None, each["EndpointStatus"])]
        return listing(chosen, request, "Endpoints", "Endpoint")

    def delete_endpoint(self, request: dict) -> dict:
        endpoint = self._known("endpoint", self.endpoints, request["EndpointName"])
        if endpoint["EndpointStatus"] in ("Creating", "Deleting"):
            message = f'Cannot update in-progress endpoint "{endpoint["EndpointArn"]}".'
            raise AwsError("ValidationException", message)
        endpoint |= {"EndpointStatus": "Deleting", "looks": 0}
        return {}

    def invoke_endpoint(self, request: dict) -> dict:
        name = request["EndpointName"]
        endpoint = self.endpoints.get(name)
        if endpoint is None or endpoint["EndpointStatus"] != "InService":
            raise AwsError("ValidationError", f"Endpoint {name} of account {self.aws.account} not found.")
        try:
            body = self.aws.behaviour.model(request["Body"])
        except Exception as error:  # whatever the test's model raises is the server error that the service reports
            raise self._model_error(name, str(error)) from error
        return {"Body": body, "ContentType": request.get("Accept", "application/json")}

    def _look(self, name: str, endpoint: dict) -> None:
        endpoint["looks"] += 1
        if endpoint["EndpointStatus"] == "Deleting" and endpoint["looks"] >= self.aws.behaviour.slow_deletion:
            del self.endpoints[name]
        elif endpoint["EndpointStatus"] == "Creating" and endpoint["looks"] == 2:
            self._settle(name, endpoint)

    def _settle(self, name: str, endpoint: dict) -> None:
        variant = endpoint["ProductionVariants"][0]
        reason = None
        if not self.aws.behaviour.capacity:
            reason = NO_CAPACITY
        elif not self.aws.behaviour.healthy:
            reason = UNHEALTHY.format(variant["VariantName"])
            stream = f"{variant['VariantName']}/i-0123456789abcdef0"
            self.aws.logs.write(f"/aws/sagemaker/Endpoints/{name}", stream, "GET /ping 503")
        variant["CurrentInstanceCount"] = 0 if reason else variant["DesiredInstanceCount"]
        endpoint["EndpointStatus"] = "Failed" if reason else "InService"
        endpoint["LastModifiedTime"] = now()
        endpoint |= {"FailureReason": reason} if reason else {}

    def _used(self, kind: str) -> int:
        """Count the instances of this type behind all endpoints."""
        configs = [self.configs.get(each["EndpointConfigName"], {}) for each in self.endpoints.values()]
        variants = [variant for config in configs for variant in config.get("ProductionVariants", [])]
        return sum(variant["InitialInstanceCount"] for variant in variants if variant.get("InstanceType") == kind)

    def _running(self, variant: dict) -> dict:
        container = self.models[variant["ModelName"]].get("PrimaryContainer", {})
        images = [{"SpecifiedImage": container["Image"], "ResolutionTime": now()}] if "Image" in container else []
        return {
            "VariantName": variant["VariantName"],
            "DeployedImages": images,
            "CurrentInstanceCount": 0,
            "DesiredInstanceCount": variant.get("InitialInstanceCount", 0),
        }

    def _check_container(self, container: dict) -> None:
        if "Image" in container and not self.aws.has_image(container["Image"]):
            raise AwsError("ValidationException", f"Requested image {container['Image']} not found.")
        source = container.get("ModelDataSource", {}).get("S3DataSource", {})
        uri = source.get("S3Uri") or container.get("ModelDataUrl")
        if source.get("S3DataType") == "S3Prefix" and not uri.endswith("/"):
            raise AwsError("ValidationException", f"S3Uri {uri} of type S3Prefix must end with a forward slash.")
        if uri and not any(True for _ in self.aws.store.names(uri)):
            raise AwsError("ValidationException", f"Could not find model data at {uri}.")

    def _new(self, kind: str, there: dict, name: str, request: dict) -> str:
        arn = self.aws.arn("sagemaker", f"{kind}/{name.lower()}")
        if name in there:
            raise AwsError("ValidationException", f'Cannot create already existing {WORDS[kind]} "{arn}".')
        self.aws.tag(arn, request)
        return arn

    def _known(self, kind: str, there: dict, name: str) -> dict:
        if name not in there:
            arn = self.aws.arn("sagemaker", f"{kind}/{name.lower()}")
            raise AwsError("ValidationException", f'Could not find {WORDS[kind]} "{arn}".')
        return there[name]

    def _model_error(self, name: str, message: str) -> AwsError:
        group = f"/aws/sagemaker/Endpoints/{name}"
        console = f"https://{self.aws.region}.console.aws.amazon.com/cloudwatch/home?region={self.aws.region}"
        return AwsError(
            "ModelError",
            f'Received server error (500) from primary with message "{message}". See {console}'
            f"#logEventViewer:group={group} in account {self.aws.account} for more information.",
            424,
            OriginalStatusCode=500,
            OriginalMessage=message,
            LogStreamArn=self.aws.arn("logs", f"log-group:{group}"),
        )


WORDS = {"endpoint": "endpoint", "endpoint-config": "endpoint configuration", "model": "model"}


def _record(request: dict, name: str, arn: str) -> dict:
    return {**{key: value for key, value in request.items() if key != "Tags"}, name: arn, "CreationTime": now()}
