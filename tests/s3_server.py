"""A real S3 API on this machine for tests: moto's server behind the real SDK."""

import functools
import uuid
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def descriptions() -> Iterator[None]:
    """The SDK looks for its services and reads what describes them (sagemaker's: 2.6 MB) once and not for each client."""
    from botocore.loaders import JSONFileLoader, Loader

    read, services = functools.cache(JSONFileLoader().load_file), functools.cache(Loader().list_available_services)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JSONFileLoader, "load_file", lambda _, path: read(path))
        patch.setattr(Loader, "list_available_services", lambda _, type_name: services(type_name))
        yield


@pytest.fixture(scope="session")
def s3_address() -> Iterator[str]:
    """One server for all tests of this process: starting one takes a second."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_address: str, monkeypatch: pytest.MonkeyPatch, tmp_path) -> Iterator[str]:
    """An empty bucket; the SDK's environment points at it, and the mirror is a folder of the test's own."""
    import boto3

    from fimsmith.storage import s3 as client

    values = {
        "AWS_ENDPOINT_URL": s3_address,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "FIMSMITH_CACHE": str(tmp_path / "mirror"),
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    client._client.cache_clear()
    bucket = f"bucket-{uuid.uuid4().hex}"
    boto3.client("s3").create_bucket(Bucket=bucket)
    yield f"s3://{bucket}"
    client._client.cache_clear()
