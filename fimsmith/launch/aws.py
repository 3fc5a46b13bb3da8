"""An AWS account: the clients that a training job takes, patience while one runs, and readable refusals."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from typing import Any

from boto3.session import Session
from botocore import exceptions
from botocore.config import Config

from fimsmith import storage
from fimsmith.errors import JobError
from fimsmith.launch.stopping import Stop

ERRORS = (exceptions.ClientError, exceptions.BotoCoreError)  # what a request raises

_SETTINGS = Config(retries={"mode": "standard", "max_attempts": 8}, connect_timeout=10, read_timeout=60)
_PAUSE, _LONGEST_PAUSE = 2.0, 30.0  # seconds before asking again: doubled each time
_ABSENCE = 900.0  # seconds that AWS may not answer, or a login may be out of date, while a job runs
_LOGIN_CODES = {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_LOGIN_ERRORS = (
    exceptions.NoCredentialsError,
    exceptions.PartialCredentialsError,
    exceptions.CredentialRetrievalError,
    exceptions.SSOError,
    exceptions.TokenRetrievalError,
    exceptions.ProfileNotFound,
)
_BUSY_CODES = {"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"}
_UNREACHABLE = (exceptions.HTTPClientError, exceptions.ConnectionError)
_POLICY = "docs/sagemaker.md has the policy; fimsmith doctor shows what is missing"


class Account:
    """The account and region that the SDK's environment names."""

    def __init__(self, say: Callable[[str], None]):
        """`say` tells a person why nothing happens."""
        self.say = say
        self.stop = Stop()  # once it holds a signal nothing is waited for any more
        self._connect()

    def _connect(self) -> None:
        # a new session reads files and cloud identity anew: somebody may have signed in again
        session = Session()
        storage.renew()
        self.clients: dict[str, Any] = {
            service: session.client(service, config=_SETTINGS, region_name=region(session))
            for service in ("sagemaker", "logs")
        }

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Make a request to SageMaker; waits where AWS is busy or away or the login is renewed, and says so."""
        begun, told, pause = time.monotonic(), False, _PAUSE
        while True:
            try:
                return getattr(self.clients["sagemaker"], operation)(**parameters)
            except ERRORS as error:
                if not _passes(error) or time.monotonic() - begun > _ABSENCE or self.stop:
                    raise
                if not told:
                    told = True
                    self.say(f"waiting for AWS: {reason(error)[0]}")
                self.stop.wait(pause)
                if self.stop:
                    raise
            pause = min(2 * pause, _LONGEST_PAUSE)
            self._connect()


def region(session: Session | None = None) -> str | None:
    """Return the region that jobs and endpoints are in."""
    return os.environ.get("AWS_REGION") or (session or Session()).region_name


def code(error: Exception) -> str:
    """Return the code of an answer that is a refusal; empty when there was no answer."""
    return error.response["Error"]["Code"] if isinstance(error, exceptions.ClientError) else ""


def is_login(error: Exception) -> bool:
    """Whether it is for want of a login, or of one that is still valid."""
    return code(error) in _LOGIN_CODES or isinstance(error, _LOGIN_ERRORS)


def is_refused(error: Exception) -> bool:
    """Whether the answer is that it will not be done; after a fault of the service it may have been done."""
    return isinstance(error, exceptions.ClientError) and error.response["ResponseMetadata"]["HTTPStatusCode"] < 500


def is_missing(error: Exception) -> bool:
    """Whether the answer is that there is no such thing."""
    return code(error) in ("ResourceNotFound", "ResourceNotFoundException") or (
        code(error) == "ValidationException" and "not found" in message(error).lower()
    )


def explain(stage: str, error: Exception, left: str | None) -> JobError:
    """Make the error of a request that was refused or got no answer; `left` names a job that may still run."""
    text, fix = reason(error)
    lines = [f"{stage} failed: {text}", f"  fix: {fix}"]
    if left:
        stop = f"aws sagemaker stop-training-job --region {region()} --training-job-name {left}"
        lines.insert(1, f"  job {left} may go on: the same command follows it, {stop} ends it")
    return JobError("\n".join(lines))


def reason(error: Exception) -> tuple[str, str]:
    """Say why a request failed, and what mends it."""
    if is_login(error):
        text = f"the AWS login is missing or no longer valid ({code(error) or type(error).__name__}: {message(error)})"
        return text, "sign in again (aws sso login, or new AWS_* variables) and run the same command again"
    if isinstance(error, exceptions.NoRegionError):
        return "no AWS region is set", "set AWS_REGION to the region of run.root's bucket"
    if isinstance(error, _UNREACHABLE):
        return f"no answer from AWS: {error}", "check the network and AWS_REGION, and run the same command again"
    if code(error) in _BUSY_CODES:
        return f"AWS has too many requests of this account ({message(error)})", "run the same command again later"
    if code(error) == "ResourceLimitExceeded":
        return f"the account's quota is too small: {message(error)}", (
            "ask for a larger quota of that name in the console's Service Quotas (Amazon SageMaker), or set "
            "run.sagemaker.instance_type to one that you have; spot instances have quotas of their own"
        )
    if code(error).startswith("AccessDenied"):
        return f"missing right: {message(error)}", f"let this identity do it; {_POLICY}"
    if "Could not assume role" in message(error):
        return f"SageMaker cannot take on the role: {message(error)}", (
            "run.sagemaker.role: a role of this account whose trust policy names sagemaker.amazonaws.com"
        )
    if "No S3 objects found" in message(error):
        return message(error), "let run.sagemaker.role list and read the bucket, in the same region as AWS_REGION"
    return f"AWS refused the job ({code(error) or type(error).__name__}): {message(error)}", (
        "run.sagemaker: change what the message names"
    )


def _passes(error: Exception) -> bool:
    """Whether the same request may succeed in a while."""
    if isinstance(error, _UNREACHABLE) or code(error) in _BUSY_CODES:
        return True
    if is_login(error):
        return "AWS_ACCESS_KEY_ID" not in os.environ  # nobody can change the environment of this process
    return isinstance(error, exceptions.ClientError) and not is_refused(error)


def message(error: Exception) -> str:
    """Return what an error says, in one line that may be shown."""
    found = error.response["Error"].get("Message") if isinstance(error, exceptions.ClientError) else None
    # a refused signature comes back with the whole request that was signed, session token included
    shown = (found or str(error)).partition("The Canonical String")[0]
    return " ".join(re.sub(r"(x-amz-security-token:)\S+", r"\1…", shown, flags=re.IGNORECASE).split())
