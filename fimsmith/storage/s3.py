"""Folders in S3 or any store that speaks its protocol.

The SDK's own environment variables say where and as whom: AWS_ENDPOINT_URL, AWS_REGION,
AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile, or the cloud identity of the machine or pod.
"""

import contextlib
import functools
import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from boto3.session import Session
from botocore import exceptions
from botocore.config import Config

from fimsmith.errors import StorageError
from fimsmith.progress import Progress
from fimsmith.storage.address import split
from fimsmith.storage.local import sha256

_FILES = 8  # at a time
_ATTEMPTS = 8  # of one request
_PART = 64_000_000  # bytes; larger files go in parts
_TRANSFER = TransferConfig(multipart_threshold=_PART, multipart_chunksize=_PART, max_concurrency=4)
_SUM = "sha256"  # of the whole file, in the object's own metadata, which every store keeps
_LISTED = 1_000  # most keys that one request deletes
_MISSING = ("NoSuchKey", "404", "NotFound")
_KEYS = (
    "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (in a cluster: the Secret named by run.kubernetes.secret), "
    "or the cloud identity of the service account"
)
_UNKNOWN = (
    exceptions.NoCredentialsError,
    exceptions.PartialCredentialsError,
    exceptions.CredentialRetrievalError,
    exceptions.SSOError,
    exceptions.TokenRetrievalError,
)
_DENIED = ("AccessDenied", "403", "Forbidden")
_POLICY = f"access is denied; {_KEYS}, and that its policy allows to list, get, put and delete there"
_CAUSES = {
    "InvalidAccessKeyId": f"the access key is not known there; {_KEYS}",
    "SignatureDoesNotMatch": f"the secret key is wrong; {_KEYS}",
    **dict.fromkeys(_DENIED, _POLICY),
    "NoSuchBucket": "there is no such bucket; make it, or mend run.root",
    "ExpiredToken": "the session's token has expired; sign in again",
    "ExpiredTokenException": "the session's token has expired; sign in again",
    "InvalidToken": "the session's token is not valid; sign in again",
    "404": "it is not there, although a manifest names it; delete the stage's folder and run again",
    "RequestTimeTooSkewed": "this machine's clock is wrong; set it",
    "PermanentRedirect": "the bucket is in another region; set AWS_REGION to it",
    "AuthorizationHeaderMalformed": "the region is wrong; set AWS_REGION to the bucket's",
}


@functools.cache
def _client() -> Any:
    settings = Config(
        retries={"mode": "standard", "max_attempts": _ATTEMPTS},
        max_pool_connections=4 * _FILES,
        connect_timeout=10,
        read_timeout=60,
    )
    # the SDK for Python alone reads only AWS_DEFAULT_REGION; a store that is no Amazon's takes any region
    region = os.environ.get("AWS_REGION") or Session().region_name
    if not region and os.environ.get("AWS_ENDPOINT_URL"):
        region = "us-east-1"
    return Session().client("s3", config=settings, region_name=region)


def renew() -> None:
    """Let the next request read the credentials anew."""
    _client.cache_clear()


def read(uri: str) -> bytes | None:
    """Return an object's bytes, or None when there is none."""
    bucket, key = split(uri)
    with _explained(uri):
        try:
            return _client().get_object(Bucket=bucket, Key=key)["Body"].read()
        except exceptions.ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return None
            if error.response["Error"]["Code"] in _DENIED:
                raise StorageError(
                    f"{uri}: {_POLICY}. S3 says the same of what is missing to an account without s3:ListBucket: "
                    f"allow that on arn:aws:s3:::{bucket}, without a condition"
                ) from error
            raise


def write(uri: str, data: bytes) -> None:
    """Write one object."""
    bucket, key = split(uri)
    with _explained(uri):
        _client().put_object(Bucket=bucket, Key=key, Body=data)


def stat(uri: str) -> tuple[int, str] | None:
    """Return an object's bytes and entity tag, or None when there is none."""
    bucket, key = split(uri)
    with _explained(uri):
        try:
            told = _client().head_object(Bucket=bucket, Key=key)
        except exceptions.ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return None
            raise
    return told["ContentLength"], told["ETag"].strip('"')


def list_files(uri: str) -> dict[str, tuple[int, str]]:
    """Return path below a folder -> (bytes, entity tag)."""
    bucket, key = split(uri)
    prefix, found = f"{key}/" if key else "", {}
    with _explained(uri):
        for page in _client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for item in page.get("Contents", []):
                if not item["Key"].endswith("/"):  # some stores list folders
                    found[item["Key"].removeprefix(prefix)] = (item["Size"], item["ETag"].strip('"'))
    return found


def erase(uri: str) -> None:
    """Delete every object below a folder."""
    bucket, key = split(uri)
    names = sorted(list_files(uri))
    with _explained(uri):
        for start in range(0, len(names), _LISTED):
            keys = [{"Key": _below(key, name)} for name in names[start : start + _LISTED]]
            _client().delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})


def upload(folder: Path, uri: str, names: list[str]) -> None:
    """Copy files of a folder, each with its SHA-256: the SDK checks on the way back only what comes in one part."""
    bucket, key = split(uri)

    def put(name: str) -> None:
        path = folder / name
        told = {"Metadata": {_SUM: sha256(path)}}
        _client().upload_file(str(path), bucket, _below(key, name), ExtraArgs=told, Config=_TRANSFER)

    _each(put, {name: (folder / name).stat().st_size for name in names}, f"sending to {uri}")


def download(uri: str, folder: Path, files: Mapping[str, int]) -> None:
    """Copy files that are not in the folder yet; raises StorageError for one of another size or content."""
    bucket, key = split(uri)

    def get(name: str) -> None:
        path = folder / name
        if ".." in Path(name).parts or Path(name).is_absolute():
            raise StorageError(f"{uri}: the name {name!r} leads out of the folder; remove that object")
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        _client().download_file(bucket, _below(key, name), str(partial), Config=_TRANSFER)
        if partial.stat().st_size != files[name]:
            size = partial.stat().st_size
            partial.unlink()
            raise StorageError(
                f"{uri}/{name} holds {size:,} bytes, {files[name]:,} were written; delete {uri} and run again"
            )
        told = _client().head_object(Bucket=bucket, Key=_below(key, name))["Metadata"].get(_SUM)
        if told and told != sha256(partial):  # what others put there has none
            partial.unlink()
            raise StorageError(
                f"{uri}/{name} is not what was sent (its SHA-256 differs); run again, or delete {uri} where that stays so"
            )
        partial.replace(path)

    wanted = {
        name: size
        for name, size in files.items()
        if not ((folder / name).exists() and (folder / name).stat().st_size == size)
    }
    _each(get, wanted, f"fetching {uri}")


def copy(source: str, uri: str, files: Mapping[str, int]) -> None:
    """Copy files of a folder inside the store, large ones in parts."""
    (origin, prefix), (bucket, key) = split(source), split(uri)

    def duplicate(name: str) -> None:
        place = {"Bucket": origin, "Key": _below(prefix, name)}
        _client().copy(place, bucket, _below(key, name), Config=_TRANSFER)

    _each(duplicate, files, f"copying to {uri}")


def probe(root: str) -> None:
    """Put, get and delete one object below a folder, and see that it is missing then."""
    bucket, prefix = split(root)
    key = f"{prefix}/.probe-{uuid.uuid4().hex}".lstrip("/")
    uri = f"s3://{bucket}/{key}"
    write(uri, b"fimsmith")
    with _explained(uri):
        if read(uri) != b"fimsmith":
            raise StorageError(f"{uri}: what was written could not be read back; the store is not consistent")
        _client().delete_object(Bucket=bucket, Key=key)
    read(uri)  # raises where the answer would be that access is denied


def _below(prefix: str, name: str) -> str:
    """The key of a file of a folder; a bucket's own folder has no name."""
    return f"{prefix}/{name}" if prefix else name


def _each(action: Callable[[str], None], files: Mapping[str, int], doing: str) -> None:
    """Do something with several files at a time, and say so where it takes long."""
    progress = Progress("storage", "files", len(files))
    with _explained(doing), ThreadPoolExecutor(_FILES) as threads:
        for name, _ in zip(files, threads.map(action, files), strict=True):
            progress.add(size=files[name])


@contextlib.contextmanager
def _explained(what: str) -> Iterator[None]:
    """Turn what the SDK raises into a StorageError that names the cause and the fix."""
    try:
        yield
    except (exceptions.ClientError, exceptions.BotoCoreError, Boto3Error) as error:
        raise StorageError(f"{what}: {_cause(error)}") from error


def _cause(error: Exception) -> str:
    if isinstance(error, Boto3Error) and isinstance(error.__context__, exceptions.ClientError):
        error = error.__context__  # a failed transfer only repeats its text
    if isinstance(error, exceptions.ClientError):
        answer = error.response["Error"]
        return _CAUSES.get(answer["Code"], f"the store answered {answer['Code']}: {answer.get('Message', '')}")
    if isinstance(error, _UNKNOWN):
        return (
            f"there are no credentials for S3 ({type(error).__name__}); sign in (aws sso login), or set AWS_ACCESS_KEY_ID "
            "and AWS_SECRET_ACCESS_KEY; in a cluster: the Secret named by run.kubernetes.secret, or the cloud identity of "
            "the service account"
        )
    if isinstance(error, exceptions.HTTPClientError | exceptions.ConnectionError):
        place = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or "Amazon's endpoint"
        return f"{place} cannot be reached ({type(error).__name__}); check AWS_ENDPOINT_URL and the network"
    return f"{error}; check the AWS_* settings of this environment"
