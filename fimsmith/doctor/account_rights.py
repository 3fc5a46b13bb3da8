"""What the caller and the jobs' role may do in an AWS account: IAM itself is asked, nothing is tried."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fimsmith.doctor.account import SERVICE, Account
from fimsmith.doctor.result import Result, Subject
from fimsmith.storage import is_remote

_KEY = ["kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"]
_RESERVED = re.compile(r"AWSReservedSSO_(.+)_[0-9a-f]{16}")  # made by IAM Identity Center from a permission set


def passing(subject: Subject, account: Account) -> Iterator[Result]:
    """Whether the caller may hand the role to SageMaker."""
    name, arn = "pass role", subject.run.sagemaker.role
    if arn is None or subject.found.get("role") is False:
        return
    if account.caller.endswith(":root"):
        yield Result(name, True, "the account's root user may do everything; better make a user or role of its own")
        return
    principal = _principal(account)
    decided = account.simulate(principal, ["iam:PassRole"], arn, iam_PassedToService=SERVICE)["iam:PassRole"]
    if decided == "allowed":
        yield Result(name, True, f"{principal.rsplit('/', 1)[-1]} may pass the role to SageMaker")
        return
    text = f"{principal} may not pass {arn} to SageMaker ({decided})"
    yield Result(name, False, text, _grant(principal, "caller.json"))


def _grant(principal: str, policy: str) -> str:
    """Say how a user or role gets a policy."""
    kind, who = "user" if ":user/" in principal else "role", principal.rsplit("/", 1)[-1]
    if reserved := _RESERVED.fullmatch(who):
        return (
            f"put docs/iam/{policy} into the permission set {reserved[1]} (IAM Identity Center, Permission sets, "
            f"Inline policy): the role {who} itself cannot be edited"
        )
    name = "fimsmith" if policy != "key.json" else "fimsmith-key"
    document = f"--policy-name {name} --policy-document file://docs/iam/{policy}"
    if kind == "role":
        return f"aws iam put-role-policy --role-name {who} {document}"
    # what is written into a user itself may have 2,048 characters in all
    owner = principal.split(":user/")[0]
    return f"aws iam create-policy {document}\naws iam attach-user-policy --user-name {who} --policy-arn {owner}:policy/{name}"


def _principal(account: Account) -> str:
    """Return the user or role behind the caller: a session's own name holds neither the word nor the role's path."""
    session = re.fullmatch(r"arn:[^:]+:sts::\d+:assumed-role/([^/]+)/.+", account.caller)
    return account.client("iam").get_role(RoleName=session[1])["Role"]["Arn"] if session else account.caller


def bucket(subject: Subject, account: Account) -> Iterator[Result]:
    """Whether the bucket lies in the jobs' region, and the role may use it."""
    arn, root = subject.run.sagemaker.role, subject.run.root
    if not is_remote(root):
        yield Result(
            "bucket", False, f"run.root is {root}, which SageMaker cannot reach", "set it to s3://bucket/prefix"
        )
        return
    name, _, prefix = root.removeprefix("s3://").strip("/").partition("/")
    if subject.found.get("store") is False:
        yield Result("bucket", None, "not looked at: it cannot be used from here")
        return
    place = account.client("s3").head_bucket(Bucket=name).get("BucketRegion")
    if place and place != account.region:
        fix = f"export AWS_REGION={place}, or use a bucket of {account.region}"
        yield Result("bucket", False, f"{name} is in {place}, jobs run in {account.region}", fix)
        return
    yield Result("bucket", True, f"{name} is in the jobs' region")
    if arn is None or subject.found.get("role") is False:
        return
    partition = arn.split(":")[1]
    objects = f"arn:{partition}:s3:::{name}/{prefix + '/' if prefix else ''}*"
    decided = account.simulate(arn, ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], objects)
    decided |= account.simulate(arn, ["s3:ListBucket"], f"arn:{partition}:s3:::{name}", s3_prefix=f"{prefix}/")
    lacking = [action for action, told in decided.items() if told != "allowed"]
    if not lacking:
        yield Result("role's S3", True, f"{arn.rsplit('/', 1)[-1]} may read and write {root}")
        return
    text = f"the policies of {arn.rsplit('/', 1)[-1]} do not allow {', '.join(lacking)} on {root}"
    mend = _grant(arn, "execution.json")
    if "explicitDeny" in decided.values() or (len(lacking) == len(decided) and _has_no_policy(account, name)):
        yield Result("role's S3", False, text, mend)
    else:  # a policy's conditions, and what the bucket's own policy allows, are not to be seen from here
        yield Result("role's S3", None, f"{text}; a policy of the bucket may, else: {mend}")


def _has_no_policy(account: Account, bucket: str) -> bool:
    """Whether it is sure that the bucket's own policy lets nobody in."""
    from botocore import exceptions

    try:
        account.client("s3").get_bucket_policy(Bucket=bucket)
    except exceptions.ClientError as error:
        return error.response["Error"]["Code"] == "NoSuchBucketPolicy"
    return False


def key(subject: Subject, account: Account) -> Iterator[Result]:
    """Whether caller and role may use the KMS key: results in the bucket, and disks, are encrypted with it."""
    name, arn = subject.run.sagemaker.kms_key, subject.run.sagemaker.role
    if name is None:
        return
    partition = account.caller.split(":")[1]
    place = name if name.startswith("arn:") else f"arn:{partition}:kms:{account.region}:{account.number}:key/{name}"
    if arn is not None and subject.found.get("role") is not False:
        yield _use(account, arn, place, ["kms:Encrypt", *_KEY])
    if not account.caller.endswith(":root"):
        yield _use(account, _principal(account), place, _KEY)


def _use(account: Account, principal: str, place: str, actions: list[str]) -> Result:
    decided = account.simulate(principal, actions, place)
    decided |= account.simulate(principal, ["kms:CreateGrant"], place, kms_GrantIsForAWSResource="true")
    who, lacking = principal.rsplit("/", 1)[-1], [action for action, told in decided.items() if told != "allowed"]
    if not lacking:
        return Result("key", True, f"{who} may use {place}, unless the key's own policy is against it")
    text = f"the policies of {who} do not allow {', '.join(lacking)} on {place}"
    if "explicitDeny" not in decided.values():  # what the key's own policy allows is not to be seen from here
        return Result("key", None, f"{text}; the key's own policy may, else: {_grant(principal, 'key.json')}")
    return Result("key", False, text, _grant(principal, "key.json"))
