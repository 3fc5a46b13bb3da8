"""Say why AWS refused something, and what mends it."""

import contextlib
from collections.abc import Iterator

from botocore import exceptions

from fimsmith.errors import DeployError

GUIDE = "docs/sagemaker.md"
_LOGIN = "sign in again (aws sso login, or export fresh AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN)"
_BY_CODE = {
    "ExpiredTokenException": f"the session's token has expired; {_LOGIN}",
    "ExpiredToken": f"the session's token has expired; {_LOGIN}",
    "UnrecognizedClientException": f"AWS does not know the access key; {_LOGIN}",
    "InvalidClientTokenId": f"AWS does not know the access key; {_LOGIN}",
    "InvalidSignatureException": "the secret key does not belong to the access key, or this machine's clock is wrong",
}
_FIXES = (  # words of AWS's message -> what mends it; the first that fits
    ("iam:PassRole", f"allow yourself to pass run.sagemaker.role to SageMaker: statement PassRole in {GUIDE}"),
    ("not assume role", f"run.sagemaker.role must exist and trust sagemaker.amazonaws.com: {GUIDE}, Roles"),
    ("not authorized to perform", f"allow it: {GUIDE}, Permissions"),
    ("Requested image", "mend run.sagemaker.endpoint.image: it must lie in a registry of this region, with this tag"),
    ("model data", "the export is gone or the role may not read it: aws s3 ls the address, and look at the role"),
)
_REASONS = (  # words of an endpoint's FailureReason -> what mends it
    (
        "health check",
        "the last lines of its log say why; a CUDA driver that is too old: run.sagemaker.endpoint.ami; out of GPU "
        "memory: a larger instance_type; still loading: a longer startup",
    ),
    ("InsufficientInstanceCapacity", "AWS has none now: try later, another instance_type, or another region"),
    ("does not grant", "the role, or the image's repository, must allow to pull the image: docs/sagemaker.md, Roles"),
)


@contextlib.contextmanager
def explained(doing: str) -> Iterator[None]:
    """Turn what the SDK raises into a DeployError that names cause and fix."""
    try:
        yield
    except (exceptions.ClientError, exceptions.BotoCoreError) as error:
        raise DeployError(f"{doing}: {_cause(error)}") from error


def missing(error: exceptions.ClientError) -> bool:
    """Whether SageMaker says that there is no such thing."""
    return "Could not find" in error.response["Error"].get("Message", "")


def failed(reason: str) -> str:
    """Say what mends an endpoint that failed for this reason."""
    return next((fix for words, fix in _REASONS if words in reason), f"{GUIDE}, When it fails")


def _cause(error: Exception) -> str:
    if isinstance(error, exceptions.ClientError):
        code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
        if code in _BY_CODE:
            return _BY_CODE[code]
        if code == "ResourceLimitExceeded":
            return f"{message}\n  fix: {GUIDE}, Quotas, or another run.sagemaker.endpoint.instance_type"
        fix = next((fix for words, fix in _FIXES if words in message), "")
        return f"{code}: {message}" + (f"\n  fix: {fix}" if fix else "")
    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        return f"there are no credentials for AWS; {_LOGIN}"
    if isinstance(error, exceptions.NoRegionError):
        return "no region is set; export AWS_REGION=…"
    if isinstance(error, exceptions.HTTPClientError | exceptions.ConnectionError):
        return f"{error}; check the network, AWS_REGION and the AWS_ENDPOINT_URL variables"
    return str(error)
