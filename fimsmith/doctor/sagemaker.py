"""What Amazon SageMaker needs before a job can start: identity, roles, bucket, key, quotas, image."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import replace
from typing import Any

from fimsmith.doctor.account import GUIDE, SERVICE, Account
from fimsmith.doctor.account_rights import bucket, key, passing
from fimsmith.doctor.result import Result, Subject

_DENIED = ("AccessDenied", "AccessDeniedException", "403")
_IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/"
    r"(?P<repository>[^:@]+)(?::(?P<tag>[^@]+))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_KEYS = "aws sso login, or export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…"


def looked(subject: Subject) -> Iterator[Result]:
    """Yield what each check finds; without an identity there is nothing more to find."""
    try:
        account = Account()
    except ImportError as error:
        yield Result("identity", False, f"{error.name} is not installed", "pip install 'fimsmith[cluster]'")
        return
    except Exception as error:  # a profile that does not exist, a file that cannot be read
        yield Result("identity", False, _message(error), "mend the AWS_* variables and ~/.aws/config")
        return
    yield from _made("identity", identity, subject, account)
    if account.caller:
        for name, check in _CHECKS:
            yield from _made(name, check, subject, account)


def _message(error: Exception) -> str:
    from fimsmith.launch import aws  # imports boto3, which takes a second and may not be there

    return aws.message(error)


Check = Callable[[Subject, Account], Iterable[Result]]


def _made(name: str, check: Check, subject: Subject, account: Account) -> Iterator[Result]:
    """Run a check; a lack of rights to ask is no defect of what was asked about."""
    from fimsmith.launch import aws

    try:
        yield from check(subject, account)
    except aws.ERRORS as error:
        yield _unanswered(name, error)
    except Exception as error:  # one broken check must not hide the others
        yield Result(name, False, f"the check itself failed: {type(error).__name__}: {aws.message(error)}")


def _unanswered(name: str, error: Exception) -> Result:
    from fimsmith.launch import aws

    if aws.code(error) in _DENIED:
        return Result(name, None, f"not allowed to ask: {aws.message(error)}")
    if aws.is_login(error):
        return Result(name, False, aws.reason(error)[0], _KEYS)
    if aws.code(error):
        return Result(
            name, False, f"AWS answers {aws.code(error)}: {aws.message(error)}", f"mend what it names ({GUIDE})"
        )
    return Result(name, False, aws.message(error), "mend the AWS_* variables, or the network")


def identity(subject: Subject, account: Account) -> Iterator[Result]:
    """Who asks, and in which account and region."""
    if not account.region:
        yield Result("identity", False, "no region is set", "export AWS_REGION=us-east-1, or another one")
        return
    told = account.client("sts").get_caller_identity()
    account.caller, account.number = told["Arn"], told["Account"]
    yield Result("identity", True, f"{account.caller} in {account.region}")


def role(subject: Subject, account: Account) -> Iterator[Result]:
    """Whether the jobs' role exists, and SageMaker may take it on; one that is not there is not asked about again."""
    from botocore import exceptions

    arn = subject.run.sagemaker.role
    if arn is None:
        yield Result("role", False, "run.sagemaker.role is not set", f"make one ({GUIDE}, Roles) and set its ARN")
        return
    name, number = arn.rsplit("/", 1)[-1], arn.split(":")[4]
    if number != account.number:
        subject.found["role"] = False
        text = f"{name} is of account {number}, jobs run in {account.number}"
        yield Result("role", False, text, f"sign in to {number}, or set run.sagemaker.role to a role of this account")
        return
    try:
        found = account.client("iam").get_role(RoleName=name)["Role"]
    except exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise
        subject.found["role"] = False
        trust = f"--role-name {name} --assume-role-policy-document file://docs/iam/trust.json"
        yield Result("role", False, f"there is no role {name} in {number}", f"aws iam create-role {trust}")
        return
    if _trusts(found["AssumeRolePolicyDocument"]):
        yield Result("role", True, f"{name}, which SageMaker may take on")
    else:
        change = f"--role-name {name} --policy-document file://docs/iam/trust.json"
        text = f"{name} does not trust {SERVICE}"
        yield Result("role", False, text, f"aws iam update-assume-role-policy {change}")


def _trusts(policy: dict[str, Any]) -> bool:
    statements = policy.get("Statement", [])
    for statement in [statements] if isinstance(statements, dict) else statements:
        principal = statement.get("Principal", {})
        services = principal.get("Service", []) if isinstance(principal, dict) else []
        if statement.get("Effect") == "Allow" and SERVICE in ([services] if isinstance(services, str) else services):
            return True
    return False


def quota(subject: Subject, account: Account) -> Iterator[Result]:
    """Whether the quotas of the instance types allow the jobs, and the endpoint that the configuration describes."""
    settings, nodes = subject.run.sagemaker, subject.run.nodes
    usage = "spot training job usage" if settings.spot else "training job usage"
    wanted = {f"{settings.instance_type} for {usage}": nodes}
    if settings.single_instance_type:
        wanted.setdefault(f"{settings.single_instance_type} for {usage}", 1)
    if settings.keep_alive:
        wanted[f"{settings.instance_type} for training warm pool usage"] = nodes
    serving = {f"{settings.endpoint.instance_type} for endpoint usage": settings.endpoint.instances}
    serving = serving if settings.endpoint.image else {}
    names = wanted.keys() | serving.keys()
    found = _quotas(account, "list_service_quotas", names)
    if lacking := names - found.keys():  # what nobody has changed is listed as a default only
        found |= _quotas(account, "list_aws_default_service_quotas", lacking)
    planned = f"{settings.instance_type} for {usage}" if settings.training_plan else None
    for name, need in wanted.items():
        result = _allowance(name, need, found.get(name), account.region)
        if name == planned and found.get(name) and not result.ok:
            result = replace(
                result, ok=None, text=f"{result.text} without a training plan, which has quotas of its own"
            )
        yield result
    for name, need in serving.items():
        yield replace(_allowance(name, need, found.get(name), account.region), name="endpoint quota", later=True)


def _quotas(account: Account, operation: str, names: Set[str]) -> dict[str, Any]:
    pages = account.client("service-quotas").get_paginator(operation).paginate(ServiceCode="sagemaker")
    return {each["QuotaName"]: each for page in pages for each in page["Quotas"] if each["QuotaName"] in names}


def _allowance(name: str, need: int, found: dict[str, Any] | None, region: str | None) -> Result:
    if found is None:
        listed = "aws service-quotas list-service-quotas --service-code sagemaker --query 'Quotas[].QuotaName'"
        return Result("quota", False, f"SageMaker has no quota {name!r}: is the instance type right?", listed)
    have = found["Value"]
    if have >= need:
        return Result("quota", True, f"{name}: {have:g} of {need} needed")
    ask = f"--service-code sagemaker --quota-code {found['QuotaCode']} --desired-value {need}"
    fix = f"aws service-quotas request-service-quota-increase --region {region} {ask}  (takes hours to days)"
    return Result("quota", False, f"{name}: {have:g}, {need} needed", fix)


def image(subject: Subject, account: Account) -> Iterator[Result]:
    """Whether the jobs' image is in ECR, in the jobs' region."""
    text = subject.run.sagemaker.image
    if text is None:
        yield Result("image", False, "run.sagemaker.image is not set", f"docs/images.md, then {GUIDE}, Image")
        return
    parts = _IMAGE.fullmatch(text)
    if parts is None:
        shape = f"{account.number}.dkr.ecr.{account.region}.amazonaws.com/fimsmith/train:TAG"
        yield Result("image", False, f"{text} is not an image in ECR with a tag or digest", f"push it, and set {shape}")
        return
    if parts["region"] != account.region:
        fix = f"push it to {account.region} (or export AWS_REGION={parts['region']}), and mend run.sagemaker.image"
        yield Result("image", False, f"{text} is in {parts['region']}, jobs run in {account.region}", fix)
        return
    yield _there("image", text, parts, account)


def serving(subject: Subject, account: Account) -> Iterator[Result]:
    """Whether the endpoint's image is in its region; only this account's registry tells what it holds."""
    name, text = "endpoint image", subject.run.sagemaker.endpoint.image
    if text is None:
        return
    parts, field = _IMAGE.fullmatch(text), "run.sagemaker.endpoint.image"
    if parts is None or parts["region"] != account.region:
        fix = f"{field}: one of {account.region}; {GUIDE}, Deploy"
        yield Result(name, False, f"{text} is not an image in ECR in {account.region}", fix, later=True)
    elif parts["account"] != account.number:
        yield Result(name, None, f"{text}: another account's registry does not tell what it holds")
    else:
        yield replace(_there(name, text, parts, account), later=True)


def _there(name: str, text: str, parts: re.Match[str], account: Account) -> Result:
    from botocore import exceptions

    wanted = {"imageDigest": parts["digest"]} if parts["digest"] else {"imageTag": parts["tag"] or "latest"}
    place = {"registryId": parts["account"], "repositoryName": parts["repository"]}
    try:
        account.client("ecr").describe_images(**place, imageIds=[wanted])
    except exceptions.ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "RepositoryNotFoundException":
            make = f"aws ecr create-repository --region {parts['region']} --repository-name {parts['repository']}"
            return Result(name, False, f"there is no repository {parts['repository']}", f"{make}; docker push {text}")
        if code == "ImageNotFoundException":
            return Result(name, False, f"{text} is not in its repository", f"docker push {text}")
        raise
    return Result(name, True, text)


_CHECKS: list[tuple[str, Check]] = [
    ("role", role),
    ("pass role", passing),
    ("bucket", bucket),
    ("key", key),
    ("quota", quota),
    ("image", image),
    ("endpoint image", serving),
]
