"""Deployments of the same name at the same time: none takes what the other made."""

import threading
import time
from typing import Any

import pytest

from fimsmith.deploy import hosting, request, sagemaker
from fimsmith.errors import DeployError
from tests.contract.aws import FakeAws
from tests.contract.conftest import Start
from tests.contract.served import answering, put_export, settings


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosting, "POLL", 0.05)


def left(aws: FakeAws) -> list[int]:
    (there,) = aws.parts["sagemaker-runtime"]
    return [len(there.models), len(there.configs), len(there.endpoints)]


def made(aws: FakeAws) -> int:
    return sum(name == "CreateModel" for _, name, _ in aws.calls)


def test_what_a_second_deployment_finds_made_is_not_removed_with_its_own(
    start_aws: Start, s3: str, monkeypatch: pytest.MonkeyPatch
):
    aws, configuration = start_aws(model=answering()), settings(f"{s3}/root")
    put_export(configuration)
    sagemaker.deploy(configuration)
    monkeypatch.setattr(sagemaker, "_present", lambda *_: None)  # it looked before the first one began
    with pytest.raises(DeployError, match="another deployment of .* is under way: it has made the model\n  fix: wait"):
        sagemaker.deploy(configuration)
    assert left(aws) == [1, 1, 1]


def test_an_undo_removes_what_it_made_and_leaves_the_model_of_another(
    start_aws: Start, s3: str, monkeypatch: pytest.MonkeyPatch
):
    aws, configuration = start_aws(model=answering(), healthy=False), settings(f"{s3}/root")
    put_export(configuration)
    with pytest.raises(DeployError, match="health check"):
        sagemaker.deploy(configuration, keep=True)
    first, second = (hosting.Hosting(request.named("company-coder-6.7b", f"{s3}/root")) for _ in range(2))
    second.undo()
    assert left(aws) == [1, 1, 1]
    first.remove()
    assert left(aws) == [0, 0, 0]


def test_a_creation_whose_answer_was_lost_counts_as_made(start_aws: Start, s3: str):
    lost = dict.fromkeys(("CreateModel", "CreateEndpointConfig", "CreateEndpoint"), 1)
    aws, configuration = start_aws(model=answering(), lost=lost), settings(f"{s3}/root")
    put_export(configuration)
    sagemaker.deploy(configuration)
    assert made(aws) == 2
    assert left(aws) == [1, 1, 1]


def test_a_deployment_that_has_just_begun_is_waited_for(start_aws: Start, s3: str, monkeypatch: pytest.MonkeyPatch):
    aws, configuration = start_aws(model=answering()), settings(f"{s3}/root")
    put_export(configuration)
    create, begun = hosting.Hosting.create, threading.Event()

    def slow(self: Any, kind: hosting.Kind, document: dict[str, Any]) -> None:
        if kind is hosting.CONFIG:
            begun.set()
            time.sleep(1)
        create(self, kind, document)

    monkeypatch.setattr(hosting.Hosting, "create", slow)
    first = threading.Thread(target=sagemaker.deploy, args=(configuration,))
    first.start()
    assert begun.wait(60)
    sagemaker.deploy(configuration)
    first.join(60)
    assert made(aws) == 1
    assert left(aws) == [1, 1, 1]


def test_an_endpoint_that_somebody_deletes_is_waited_for(start_aws: Start, s3: str):
    aws, configuration = start_aws(model=answering(), slow_deletion=3), settings(f"{s3}/root")
    put_export(configuration)
    sagemaker.deploy(configuration)
    name = request.named("company-coder-6.7b", f"{s3}/root")
    hosting.Hosting(name).client.delete_endpoint(EndpointName=name)
    sagemaker.delete(configuration)
    assert left(aws) == [0, 0, 0]
