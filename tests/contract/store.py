"""The S3 that the fake account's jobs read from and write to."""

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import boto3

from tests.contract.signing import ACCESS_KEY, SECRET_KEY


class Store:
    """A few operations on s3:// URIs of one S3 service."""

    def __init__(self, url: str, region: str):
        keys = {"aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY}
        self.url = url
        self.client = boto3.Session(region_name=region, **keys).client("s3", endpoint_url=url)

    def names(self, uri: str) -> Iterator[tuple[str, str]]:
        """Yield key and local name of every object below a prefix (which need not be a folder)."""
        bucket, prefix = _split(uri)
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for item in (item for page in pages for item in page.get("Contents", [])):
            key = item["Key"]
            if not key.endswith("/"):
                yield key, key.removeprefix(prefix).lstrip("/") or key.rsplit("/", 1)[-1]

    def download(self, uri: str, folder: Path, shard: slice = slice(None)) -> None:
        """Copy every object below a prefix (or each n-th of them) into a folder."""
        bucket, _ = _split(uri)
        for key, name in list(self.names(uri))[shard]:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            self.client.download_file(bucket, key, str(target))

    def download_listed(self, uri: str, folder: Path) -> None:
        """Copy the objects that a list names (a prefix, then what is appended to it) into a folder."""
        bucket, key = _split(uri)
        head, *names = json.loads(self.client.get_object(Bucket=bucket, Key=key)["Body"].read())
        origin, prefix = _split(head["prefix"])
        for name in names:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            self.client.download_file(origin, f"{prefix}{name}", str(target))

    def put(self, uri: str, content: bytes) -> None:
        """Write one object."""
        bucket, key = _split(uri)
        self.client.put_object(Bucket=bucket, Key=key, Body=content)

    def upload(self, folder: Path, uri: str) -> None:
        """Copy every file of a folder below a prefix."""
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                bucket, key = _split(f"{uri}/{path.relative_to(folder).as_posix()}")
                self.client.upload_file(str(path), bucket, key)

    def archive(self, folders: list[Path], uri: str) -> None:
        """Pack the contents of folders into one tar.gz."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            for path in (path for folder in folders for path in sorted(folder.iterdir())):
                archive.add(path, path.name)
        self.put(uri, packed.getvalue())

    def delete(self, uri: str) -> None:
        """Remove one object."""
        bucket, key = _split(uri)
        self.client.delete_object(Bucket=bucket, Key=key)


def _split(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
