"""The parts of an s3:// URI."""

from fimsmith.errors import StorageError


def split(uri: str) -> tuple[str, str]:
    """Return (bucket, key); raises StorageError for what has no bucket or would lead out of a folder on a disk."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not bucket:
        raise StorageError(f"{uri!r} names no bucket; write s3://bucket/prefix")
    if {".", ".."} & {bucket, *key.split("/")}:
        raise StorageError(f"{uri!r}: S3 knows no '.' and '..'; write the whole s3://bucket/prefix")
    return bucket, key.strip("/")
