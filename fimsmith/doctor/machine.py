"""What can be seen without a cluster: Python, the packages, the model's sentinels, S3 with this machine's keys."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import metadata

from fimsmith import storage
from fimsmith.doctor import probe
from fimsmith.doctor.result import Result, Subject
from fimsmith.errors import FimsmithError

_OLDEST = (3, 11)
_EXTRAS = {
    "local": ("train", ("torch", "transformers", "deepspeed", "accelerate", "peft")),
    "pytorchjob": ("cluster", ("boto3", "kubernetes")),
    "sagemaker": ("cluster", ("boto3",)),
}
_KEYS = "export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…"
_FIXES = {
    "NoCredentialsError": f"{_KEYS} (and AWS_ENDPOINT_URL=… for a store that is not AWS)",
    "PartialCredentialsError": _KEYS,
    "InvalidAccessKeyId": f"{_KEYS} with keys that this store knows",
    "SignatureDoesNotMatch": f"{_KEYS}: the secret key does not belong to the access key",
    "ExpiredToken": "aws sso login, or export fresh AWS_SESSION_TOKEN, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "RequestTimeTooSkewed": "timedatectl set-ntp true: the clock is wrong by more than 15 minutes",
    "AuthorizationHeaderMalformed": "export AWS_REGION=… with the bucket's region",
    "PermanentRedirect": "export AWS_REGION=… with the bucket's region",
    "NoModule": "pip install 'fimsmith[cluster]'",
}


def python(subject: Subject) -> Iterator[Result]:
    """Python's version, and the packages that the launcher needs on this machine."""
    here = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < _OLDEST:
        yield Result("Python", False, f"{here}; fimsmith needs 3.11", "make install PYTHON=/path/to/python3.11")
        return
    extra, packages = _EXTRAS[subject.run.launcher]
    if missing := [name for name in packages if not _installed(name)]:
        yield Result("Python", False, f"{here}, without {', '.join(missing)}", f"pip install 'fimsmith[{extra}]'")
    else:
        yield Result("Python", True, f"{here} with {', '.join(packages)}")


def sentinels(subject: Subject) -> Iterator[Result]:
    """The fill-in-the-middle tokens of the base model, where it can be read from here."""
    from fimsmith import model

    section = subject.model
    if section is None:
        yield Result("model", None, "no configuration given")
    elif storage.is_remote(section.path) and subject.found.get("store") is not True:
        yield Result("model", None, f"{section.path} cannot be read from here; the pipeline's preflight looks at it")
    else:
        try:
            told = model.describe(section).details
        except FimsmithError as error:
            yield Result(
                "model", False, str(error), "set model.path to a folder with config.json, tokenizer.json, *.safetensors"
            )
        else:
            form = told["format"]
            ids = ", ".join(f"{name} {form[name]}" for name in ("begin", "hole", "end", "stop"))
            yield Result("model", True, f"{told['family']}: {ids} of {told['vocabulary']:,} tokens")


def store(subject: Subject) -> Iterator[Result]:
    """Write, read and delete below run.root with this machine's credentials."""
    name = "S3 from here"
    if not subject.on_s3:
        root = "no configuration given" if subject.model is None else f"run.root is {storage.local(subject.run.root)}"
        yield Result(name, None, root)
        return
    told = probe.store(subject.run.root)
    ok = subject.found["store"] = told["code"] == "ok"
    yield Result(name, ok, told["message"], "" if ok else fix(told, subject.run.root))


def fix(told: dict, root: str, secret: str | None = None) -> str:
    """Say what mends a failure of the probe; `secret` is the command that gives a pod its keys."""
    code, bucket = told["code"], root.removeprefix("s3://").split("/")[0]
    endpoint = "" if told.get("endpoint") == "AWS" else f" --endpoint-url {told.get('endpoint')}"
    if code in ("NoSuchBucket", "404"):
        return f"aws s3 mb s3://{bucket}{endpoint}, or mend run.root"
    if code in ("EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError", "ConnectionClosedError"):
        return "mend AWS_ENDPOINT_URL" + (
            f" in the secret: {secret}" if secret else "; then: curl -i $AWS_ENDPOINT_URL"
        )
    if code == "AccessDenied":
        return (
            f"allow s3:GetObject, s3:PutObject, s3:DeleteObject on {root}/* and s3:ListBucket on {bucket} (docs/eks.md)"
        )
    if secret and code in _FIXES and code not in ("RequestTimeTooSkewed", "NoModule"):
        return secret
    if secret and code == "NoModule":
        return "set run.kubernetes.image to an image built by `make images`"
    return _FIXES.get(code, f"aws s3 ls {root}/{endpoint}")


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True
