"""Write, read and delete one small object below an s3:// folder, and say why if that fails.

    python -m fimsmith.doctor.probe s3://bucket/prefix

The doctor runs this text inside a pod of the job's image, also one that holds another version of
fimsmith: it needs nothing but boto3 and the standard library. Settings are the AWS SDK's own variables.
"""

import contextlib
import json
import os
import platform
import sys
import uuid
from pathlib import Path


def store(root: str) -> dict:
    """Return code ("ok" or the reason's short name), message and identity."""
    try:
        import botocore.config
        import botocore.exceptions as known
        from boto3.session import Session
    except ImportError as error:
        return {"code": "NoModule", "message": f"{error.name} is not installed"}
    bucket, _, prefix = root.removeprefix("s3://").partition("/")
    key = f"{prefix.strip('/')}/.doctor-{uuid.uuid4().hex}".lstrip("/")
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or "AWS"
    region = os.environ.get("AWS_REGION")  # boto3 itself reads only AWS_DEFAULT_REGION
    settings = botocore.config.Config(connect_timeout=5, read_timeout=15, retries={"total_max_attempts": 2})
    step = "connect"
    try:
        client = Session(region_name=region or None).client("s3", config=settings)
        step = "write"
        client.put_object(Bucket=bucket, Key=key, Body=b"fimsmith")
        step = "read"
        if client.get_object(Bucket=bucket, Key=key)["Body"].read() != b"fimsmith":
            return {"code": "Corrupt", "message": "what was read is not what was written", "endpoint": endpoint}
        step = "delete"
        client.delete_object(Bucket=bucket, Key=key)
        step = "tell what is missing from what is forbidden"
        with contextlib.suppress(client.exceptions.NoSuchKey):
            client.get_object(Bucket=bucket, Key=key)
    except known.ClientError as error:
        told = error.response.get("Error", {})
        code, message = told.get("Code", "Unknown"), told.get("Message", "")
        return {"code": code, "message": f"cannot {step}: {code}: {message}", "endpoint": endpoint}
    except (known.BotoCoreError, ValueError) as error:  # ValueError: an endpoint that is no URL
        return {"code": type(error).__name__, "message": f"cannot {step}: {error}", "endpoint": endpoint}
    return {"code": "ok", "message": f"write, read, delete at {endpoint}", "endpoint": endpoint}


def _version() -> str | None:
    try:
        from fimsmith import __version__
    except ImportError:
        return None
    return __version__


def main() -> None:
    """Report on this container as one line of JSON, also as the pod's termination message."""
    told: dict = {"python": platform.python_version(), "fimsmith": _version()}
    if len(sys.argv) > 1:
        told["store"] = store(sys.argv[1])
    text = json.dumps(told)
    print(text)
    log = Path("/dev/termination-log")
    if log.exists():
        log.write_text(text[:4000])


if __name__ == "__main__":
    main()
