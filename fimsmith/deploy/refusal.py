"""Say why AWS refused something, and what mends it."""

import contextlib
from collections.abc import Iterator
from typing import Any

from fimsmith.errors import DeployError
from fimsmith.launch import aws

GUIDE = "docs/sagemaker.md"
_FIXES = (  # words of AWS's message -> what mends it, where that is special to endpoints
    ("iam:PassRole", f"allow yourself to pass run.sagemaker.role to SageMaker: statement PassRole in {GUIDE}"),
    ("for endpoint usage", f"{GUIDE}, Quotas, or set run.sagemaker.endpoint.instance_type to one that you have"),
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
    ("does not grant", f"the role, or the image's repository, must allow to pull the image: {GUIDE}, Roles"),
)


@contextlib.contextmanager
def explained(doing: str) -> Iterator[None]:
    """Turn what the SDK raises into a DeployError that names cause and fix."""
    try:
        yield
    except aws.ERRORS as error:
        text, fix = aws.reason(error)
        fix = next((special for words, special in _FIXES if words in text), fix)
        raise DeployError(f"{doing}: {text}\n  fix: {fix}") from error


def missing(error: Any) -> bool:
    """Whether SageMaker's answer is that it has no such thing."""
    return "Could not find" in error.response["Error"].get("Message", "")


def existing(error: Any) -> bool:
    """Whether SageMaker's answer is that there is such a thing already."""
    return "already existing" in error.response["Error"].get("Message", "")


def failed(reason: str) -> str:
    """Say what mends an endpoint that failed for this reason."""
    return next((fix for words, fix in _REASONS if words in reason), f"{GUIDE}, When it does not work")
