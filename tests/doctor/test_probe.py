"""The probe tells why a store cannot be used, against a real S3 protocol server in this process."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fimsmith.doctor import machine, probe

boto3 = pytest.importorskip("boto3")
server = pytest.importorskip("moto.server")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture(autouse=True)
def keys(endpoint: str, monkeypatch: pytest.MonkeyPatch):
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    values = {
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it keeps the first keys that it sees, for other tests, too


@pytest.fixture
def bucket(endpoint: str) -> str:
    boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").create_bucket(Bucket="data")
    return "data"


def test_nothing_is_left_behind(bucket: str, endpoint: str):
    assert probe.store(f"s3://{bucket}/some/prefix")["code"] == "ok"
    assert probe.store(f"s3://{bucket}")["code"] == "ok"
    assert "Contents" not in boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").list_objects_v2(
        Bucket=bucket
    )


def test_a_missing_bucket_has_its_own_fix():
    told = probe.store("s3://nowhere/prefix")
    assert told["code"] == "NoSuchBucket"
    assert "aws s3 mb s3://nowhere" in machine.fix(told, "s3://nowhere/prefix")


def test_a_policy_that_hides_what_is_missing_is_a_fault(bucket: str, monkeypatch: pytest.MonkeyPatch):
    """Without s3:ListBucket S3 answers 403 for a missing object; moto alone knows no policies."""
    from boto3.session import Session

    def denied(http_response: Any, parsed: dict[str, Any], **_: Any) -> None:
        if http_response.status_code == 404:
            parsed["Error"]["Code"] = "AccessDenied"

    class Denying(Session):
        def client(self, *arguments: Any, **settings: Any) -> Any:
            made = super().client(*arguments, **settings)
            made.meta.events.register("after-call.s3.GetObject", denied)
            return made

    monkeypatch.setattr("boto3.session.Session", Denying)
    told = probe.store(f"s3://{bucket}/prefix")
    assert told["code"] == "AccessDenied"
    assert told["message"].startswith("cannot tell what is missing from what is forbidden")
    assert f"without a condition, s3:ListBucket on {bucket}" in machine.fix(told, f"s3://{bucket}/prefix")


@pytest.mark.parametrize(
    ("endpoint_url", "code"),
    [("http://127.0.0.1:1", "EndpointConnectionError"), ("no-url", "ValueError")],
)
def test_an_endpoint_that_does_not_answer(monkeypatch: pytest.MonkeyPatch, endpoint_url: str, code: str):
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint_url)
    assert probe.store("s3://data/prefix")["code"] == code


def test_missing_keys_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    assert probe.store("s3://data/prefix")["code"] == "NoCredentialsError"


def test_the_probe_runs_as_bare_text_in_an_image_of_another_version(bucket: str):
    text = Path(probe.__file__).read_text(encoding="utf-8")
    command = [sys.executable, "-c", text, f"s3://{bucket}/prefix"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["store"]["code"] == "ok"
