"""What surrounds SageMaker in an account: identity, roles, quotas, the image registry and tags."""

import hashlib
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from tests.contract import wire
from tests.contract.errors import AwsError
from tests.contract.job import now
from tests.contract.paging import page

if TYPE_CHECKING:
    from tests.contract.aws import FakeAws

USAGES = ("training job usage", "spot training job usage", "training warm pool usage", "endpoint usage")


class Identity:
    """STS and IAM."""

    def __init__(self, aws: "FakeAws"):
        self.aws = aws

    def get_caller_identity(self, request: dict) -> dict:
        return {"UserId": "AIDAFAKE", "Account": self.aws.account, "Arn": self.aws.behaviour.caller}

    def get_role(self, request: dict) -> dict:
        name = request["RoleName"]
        if name not in self.aws.behaviour.roles:
            raise AwsError("NoSuchEntity", f"The role with name {name} cannot be found.", 404)
        principal = {"Service": self.aws.behaviour.roles[name]}
        trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        role = {
            "Path": "/",
            "RoleName": name,
            "RoleId": "AROAFAKE",
            "Arn": f"arn:aws:iam::{self.aws.account}:role/{name}",
        }
        return {"Role": {**role, "CreateDate": now(), "AssumeRolePolicyDocument": quote(policy)}}

    def simulate_principal_policy(self, request: dict) -> dict:
        source = request["PolicySourceArn"]
        if not re.fullmatch(r"arn:aws:iam::\d{12}:(user|role|group)/.+", source):
            # what the session of an assumed role gets that passes on its own identity
            message = f"Invalid Entity Arn: {source} does not clearly define entity type and name."
            raise AwsError("InvalidInput", message)
        kind, name = source.split(":")[5].split("/")[0], source.rsplit("/", 1)[-1]
        if kind == "role" and name not in self.aws.behaviour.roles:
            raise AwsError("NoSuchEntity", f"The role with name {name} cannot be found.", 404)
        results = [
            {
                "EvalActionName": action,
                "EvalResourceName": resource,
                "EvalDecision": "implicitDeny" if action in self.aws.behaviour.denied else "allowed",
            }
            for action in request["ActionNames"]
            for resource in request.get("ResourceArns", ["*"])
        ]
        return {"EvaluationResults": results, "IsTruncated": False}


class Quotas:
    """Service Quotas of SageMaker: one for every instance type and use, over a thousand as in a real account."""

    def __init__(self, aws: "FakeAws"):
        self.aws = aws

    def list_service_quotas(self, request: dict) -> dict:
        applied = [each for each in self._all(request) if each["QuotaName"] not in self.aws.behaviour.unlisted]
        return self._listed(applied, request)

    def list_aws_default_service_quotas(self, request: dict) -> dict:
        return self._listed(self._all(request), request)

    def _listed(self, quotas: list[dict], request: dict) -> dict:
        chosen, token = page(quotas, request.get("NextToken"), request.get("MaxResults", 100))
        return {"Quotas": chosen} | ({"NextToken": token} if token else {})

    def get_service_quota(self, request: dict) -> dict:
        for quota in self._all(request):
            if quota["QuotaCode"] == request["QuotaCode"]:
                return {"Quota": quota}
        raise AwsError("NoSuchResourceException", "The request failed because the specified quota does not exist.")

    def _all(self, request: dict) -> list[dict]:
        if request["ServiceCode"] != "sagemaker":
            raise AwsError("NoSuchResourceException", f"No such service: {request['ServiceCode']}")
        types = wire.model("sagemaker").shape_for("TrainingInstanceType").enum
        names = sorted({f"{kind} for {usage}" for kind in types for usage in USAGES} | self.aws.behaviour.quotas.keys())
        return [self._quota(name) for name in names]

    def _quota(self, name: str) -> dict:
        code = f"L-{hashlib.sha1(name.encode()).hexdigest()[:8].upper()}"
        return {
            "ServiceCode": "sagemaker",
            "ServiceName": "Amazon SageMaker",
            "QuotaArn": self.aws.arn("servicequotas", f"sagemaker/{code}"),
            "QuotaCode": code,
            "QuotaName": name,
            "Value": float(self.aws.quota(name)),
            "Adjustable": True,
        }


class Registry:
    """ECR: the account's own registry holds Behaviour.images, other accounts' registries tell nothing."""

    def __init__(self, aws: "FakeAws"):
        self.aws = aws

    def describe_repositories(self, request: dict) -> dict:
        names = request.get("repositoryNames") or sorted({image.split(":")[0] for image in self._images()})
        for name in names:
            self._check_repository(name, request, "ecr:DescribeRepositories")
        return {"repositories": [self._repository(name) for name in names]}

    def describe_images(self, request: dict) -> dict:
        name = request["repositoryName"]
        self._check_repository(name, request, "ecr:DescribeImages")
        held = [image.split(":", 1)[1] for image in self._images() if image.startswith(f"{name}:")]
        wanted = request.get("imageIds") or [{"imageTag": tag} for tag in held]
        return {"imageDetails": [self._image(name, each, held) for each in wanted]}

    def _images(self) -> list[str]:
        return list(self.aws.behaviour.images or [])

    def _check_repository(self, name: str, request: dict, action: str) -> None:
        registry = request.get("registryId", self.aws.account)
        if registry != self.aws.account:
            resource = f"arn:aws:ecr:{self.aws.region}:{registry}:repository/{name}"
            message = (
                f"User: {self.aws.behaviour.caller} is not authorized to perform: {action} on resource: {resource} "
                f"because no resource-based policy allows the {action} action"
            )
            raise AwsError("AccessDeniedException", message)
        known = self.aws.behaviour.images is None or any(image.startswith(f"{name}:") for image in self._images())
        if not known:
            message = f"The repository with name '{name}' does not exist in the registry with id '{registry}'"
            raise AwsError("RepositoryNotFoundException", message)

    def _repository(self, name: str) -> dict:
        uri = f"{self.aws.account}.dkr.ecr.{self.aws.region}.amazonaws.com/{name}"
        arn = self.aws.arn("ecr", f"repository/{name}")
        return {"repositoryName": name, "repositoryArn": arn, "registryId": self.aws.account, "repositoryUri": uri}

    def _image(self, name: str, wanted: dict, held: list[str]) -> dict:
        digests = {_digest(name, tag): tag for tag in held}
        tag = wanted.get("imageTag") or digests.get(wanted["imageDigest"])
        if self.aws.behaviour.images is not None and tag not in held:
            digest = f"'{wanted['imageDigest']}'" if "imageDigest" in wanted else "'null'"
            shown = f"{{imageDigest:{digest}, imageTag:'{wanted.get('imageTag', 'null')}'}}"
            raise AwsError(
                "ImageNotFoundException",
                f"The image with imageId {shown} does not exist within the repository with name '{name}' "
                f"in the registry with id '{self.aws.account}'",
            )
        digest = wanted.get("imageDigest") or _digest(name, tag or "")
        tags = {"imageTags": [tag]} if tag else {}
        return {"registryId": self.aws.account, "repositoryName": name, "imageDigest": digest, **tags}


class Tags:
    """Tags of everything that SageMaker made."""

    def __init__(self, aws: "FakeAws"):
        self.aws = aws

    def add_tags(self, request: dict) -> dict:
        tags = {tag["Key"]: tag for tag in [*self._of(request), *request["Tags"]]}
        self.aws.tags[request["ResourceArn"]] = list(tags.values())
        return {"Tags": list(tags.values())}

    def list_tags(self, request: dict) -> dict:
        chosen, token = page(self._of(request), request.get("NextToken"), request.get("MaxResults", 50))
        return {"Tags": chosen} | ({"NextToken": token} if token else {})

    def _of(self, request: dict) -> list[dict]:
        if request["ResourceArn"] not in self.aws.tags:
            raise AwsError("ValidationException", f'Could not find resource "{request["ResourceArn"]}".')
        return self.aws.tags[request["ResourceArn"]]


def _digest(name: str, tag: str) -> str:
    return f"sha256:{hashlib.sha256(f'{name}:{tag}'.encode()).hexdigest()}"
