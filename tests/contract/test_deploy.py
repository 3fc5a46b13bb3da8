"""An export becomes an endpoint that answers, or nothing is left of the attempt."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fimsmith import storage
from fimsmith.deploy import exported, hosting, request, sagemaker
from fimsmith.errors import ConfigError, DeployError
from tests.contract.aws import FakeAws
from tests.contract.conftest import Start
from tests.contract.served import IMAGE, answering, put_export, settings, written

ALL = {"model", "configuration", "endpoint"}


def command(path: Path, *options: str, poll: float = 0.01) -> list[str]:
    code = f"from fimsmith.deploy import hosting; hosting.POLL = {poll}; from fimsmith.cli import main; main()"
    return [sys.executable, "-c", code, "deploy", "sagemaker", str(path), *options]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosting, "POLL", 0.01)
    monkeypatch.setattr(hosting, "_FRESH", 0.0)


def left(aws: FakeAws) -> set[str]:
    """The kinds of things that the account still holds."""
    (there,) = aws.parts["sagemaker-runtime"]
    kinds = {"model": there.models, "configuration": there.configs, "endpoint": there.endpoints}
    return {name for name, held in kinds.items() if held}


def asked(aws: FakeAws, operation: str) -> list[dict]:
    return [parameters for _, name, parameters in aws.calls if name == operation]


def test_an_endpoint_is_made_tried_and_deleted(start_aws: Start, s3: str, capsys: pytest.CaptureFixture[str]):
    aws, configuration = start_aws(model=answering("items")), settings(f"{s3}/root")
    uri = put_export(configuration)
    usage = sagemaker.deploy(configuration)
    shown = capsys.readouterr().out
    assert shown.count("«items»") == 3
    assert "Creating, 0:00" in shown
    assert "invoke-endpoint --region us-east-1 --endpoint-name fimsmith-company-coder-6-7b-" in usage
    (made,) = asked(aws, "CreateModel")
    source = made["PrimaryContainer"]["ModelDataSource"]["S3DataSource"]
    assert source == {"S3Uri": f"{uri}/model/", "S3DataType": "S3Prefix", "CompressionType": "None"}
    assert left(aws) == ALL
    sagemaker.delete(configuration)
    assert not left(aws)


@pytest.mark.parametrize(("kind", "keyed"), [("ml.m5.2xlarge", True), ("ml.g6e.2xlarge", False)])
def test_the_key_is_that_of_the_endpoints_disk_where_it_takes_one(start_aws: Start, s3: str, kind: str, keyed: bool):
    endpoint = {"image": IMAGE, "instance_type": kind}
    aws, configuration = start_aws(model=answering()), settings(f"{s3}/root", kms_key="0a-1b", endpoint=endpoint)
    put_export(configuration)
    sagemaker.deploy(configuration)
    (made,) = asked(aws, "CreateEndpointConfig")
    assert made.get("KmsKeyId") == ("0a-1b" if keyed else None)


def test_a_second_deployment_of_the_same_export_only_tries_it(start_aws: Start, s3: str):
    aws, configuration = start_aws(model=answering()), settings(f"{s3}/root")
    put_export(configuration)
    sagemaker.deploy(configuration)
    sagemaker.deploy(configuration)
    assert len(asked(aws, "CreateEndpoint")) == 1
    assert len(asked(aws, "InvokeEndpoint")) == 6


def test_a_trial_that_fails_leaves_an_endpoint_that_was_in_service(start_aws: Start, s3: str):
    aws, configuration = start_aws(model=answering()), settings(f"{s3}/root")
    put_export(configuration)
    sagemaker.deploy(configuration)
    aws.behaviour.model = answering("")
    with pytest.raises(DeployError, match="completes nothing"):
        sagemaker.deploy(configuration)
    assert left(aws) == ALL


def test_another_export_does_not_take_the_endpoint_of_the_first(start_aws: Start, s3: str):
    start_aws(model=answering())
    configuration = settings(f"{s3}/root")
    put_export(configuration)
    sagemaker.deploy(configuration)
    put_export(configuration, "bbbb", started=2.0)
    with pytest.raises(DeployError, match=r"serves .*/export/aaaa, not .*/export/bbbb; remove it first"):
        sagemaker.deploy(configuration)


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ({"healthy": False}, r"did not pass the ping health check(.|\n)*\| GET /ping 503(.|\n)*fix: the last lines"),
        ({"capacity": False}, r"InsufficientInstanceCapacity(.|\n)*fix: .*another instance_type"),
        (
            {"quotas": {"ml.g6e.2xlarge for endpoint usage": 0}},
            r"limit 'ml.g6e.2xlarge for endpoint usage'.*\n.*Quotas",
        ),
        ({"roles": {}}, r"Could not assume role.*\n  fix: .*trust policy names sagemaker.amazonaws.com"),
        ({"denied": {"iam:PassRole"}}, r"iam:PassRole.*\n.*pass run.sagemaker.role"),
        ({"denied": {"sagemaker:AddTags"}}, r"sagemaker:AddTags.*\n.*docs/sagemaker.md has the policy"),
        ({"denied": {"sagemaker:CreateEndpoint"}}, r"not authorized to perform: sagemaker:CreateEndpoint "),
        (
            {"errors": {"CreateModel": ["ExpiredTokenException"]}},
            r"AWS login is missing or no longer valid.*\n.*sign in again",
        ),
        ({"model": answering("")}, "completes nothing"),
        ({"model": answering("x<|endoftext|>")}, "completes with the sentinel '<|endoftext|>'"),
        ({"model": lambda body: b'{"generated_text": "x"}'}, "which is no completion; .*LMI container 15"),
        ({"model": lambda body: 1 / 0}, r"is in service but does not answer: .*ModelError.*division by zero"),
    ],
)
def test_what_fails_is_explained_and_leaves_nothing(start_aws: Start, s3: str, behaviour: dict, words: str):
    aws = start_aws(**{"model": answering(), **behaviour})
    configuration = settings(f"{s3}/root")
    put_export(configuration)
    with pytest.raises(DeployError, match=words):
        sagemaker.deploy(configuration)
    assert not left(aws)


def test_a_profile_that_does_not_exist_is_explained(s3: str, monkeypatch: pytest.MonkeyPatch):
    configuration = settings(f"{s3}/root")
    put_export(configuration)
    monkeypatch.setenv("AWS_PROFILE", "nowhere")
    with pytest.raises(DeployError, match=r"cannot use SageMaker: .*nowhere.*\n  fix: sign in again"):
        sagemaker.deploy(configuration)


def test_what_cannot_be_removed_after_a_failure_is_told_with_both_causes(start_aws: Start, s3: str):
    start_aws(healthy=False, denied={"sagemaker:DeleteModel"})
    configuration = settings(f"{s3}/root")
    put_export(configuration)
    with pytest.raises(DeployError, match=r"health check(.|\n)*is still there, and billed: cannot delete model"):
        sagemaker.deploy(configuration)


def test_an_image_that_is_not_there_is_explained(start_aws: Start, s3: str):
    start_aws(images=["fimsmith/train:1"])
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/lmi:1"
    configuration = settings(f"{s3}/root", endpoint={"image": image})
    put_export(configuration)
    with pytest.raises(DeployError, match=r"Requested image .*lmi:1 not found.*\n.*run\.sagemaker\.endpoint\.image"):
        sagemaker.deploy(configuration)


def test_keep_leaves_what_failed_and_the_next_deployment_starts_afresh(start_aws: Start, s3: str):
    aws, configuration = start_aws(model=answering(), healthy=False), settings(f"{s3}/root")
    put_export(configuration)
    with pytest.raises(DeployError, match="health check"):
        sagemaker.deploy(configuration, keep=True)
    assert left(aws) == ALL
    aws.behaviour.healthy = True
    sagemaker.deploy(configuration)
    assert len(asked(aws, "CreateModel")) == 2
    assert left(aws) == ALL


def test_an_interrupted_deployment_waits_for_the_creation_and_removes_all(
    start_aws: Start, s3: str, monkeypatch: pytest.MonkeyPatch
):
    aws, configuration = start_aws(model=answering()), settings(f"{s3}/root")
    put_export(configuration)

    def interrupted(seconds: float) -> None:
        monkeypatch.setattr(hosting.time, "sleep", lambda seconds: None)
        raise KeyboardInterrupt

    monkeypatch.setattr(hosting.time, "sleep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sagemaker.deploy(configuration)
    assert asked(aws, "CreateEndpoint")
    assert not left(aws)


def test_a_deployment_that_was_killed_is_taken_up_or_deleted(start_aws: Start, s3: str):
    aws, configuration = start_aws(model=answering()), settings(f"{s3}/root")
    uri = put_export(configuration)
    host = hosting.Hosting(request.named("company-coder-6.7b", f"{s3}/root"))
    there = exported.at(uri)
    host.create(hosting.MODEL, request.model(host.name, configuration.run.sagemaker, there))
    assert left(aws) == {"model"}
    sagemaker.deploy(configuration)
    assert left(aws) == ALL
    sagemaker.delete(configuration)
    host.create(hosting.MODEL, request.model(host.name, configuration.run.sagemaker, there))
    sagemaker.delete(configuration)
    assert not left(aws)


def test_deleting_needs_no_export_and_may_be_repeated(start_aws: Start, s3: str, capsys: pytest.CaptureFixture[str]):
    aws, configuration = start_aws(model=answering()), settings(f"{s3}/root")
    put_export(configuration)
    sagemaker.deploy(configuration)
    (name,) = (each["EndpointName"] for each in asked(aws, "CreateEndpoint"))
    storage.erase(f"{s3}/root")
    sagemaker.delete(configuration)
    assert not left(aws)
    sagemaker.delete(configuration)
    shown = capsys.readouterr().out
    assert f"delete-log-group --region us-east-1 --log-group-name /aws/sagemaker/Endpoints/{name}" in shown
    assert (
        f"nothing to delete: there is no endpoint, configuration or model {name} in us-east-1 of account 1234" in shown
    )
    aws.behaviour.errors = {"GetCallerIdentity": ["AccessDeniedException"]}
    sagemaker.delete(configuration)
    assert "in us-east-1 of account (unknown)" in capsys.readouterr().out


def test_a_stranger_of_the_same_name_is_not_deleted(start_aws: Start, s3: str):
    aws, configuration = start_aws(model=answering()), settings(f"{s3}/root")
    uri = put_export(configuration)
    host = hosting.Hosting(request.named("company-coder-6.7b", f"{s3}/root"))
    foreign = request.model(host.name, configuration.run.sagemaker, exported.at(uri))
    host.client.create_model(**{**foreign, "Tags": []})
    for action in (sagemaker.delete, sagemaker.deploy):
        with pytest.raises(DeployError, match="was not made by fimsmith: it lacks the tag fimsmith:deployment") as told:
            action(configuration)
        assert f"aws sagemaker delete-model --region us-east-1 --model-name {host.name}" in str(told.value)
    assert left(aws) == {"model"}


def test_the_newest_export_of_this_configuration_is_found(start_aws: Start, s3: str):
    start_aws()
    configuration = settings(f"{s3}/root")
    put_export(configuration, "new", started=3.0)
    put_export(configuration, "old", started=1.0)
    changed = configuration.model_copy(update={"train": configuration.train.model_copy(update={"seed": 7})})
    put_export(changed, "other", started=5.0)
    put_export(configuration, "withheld", started=6.0, withheld=True)
    assert exported.find(configuration).uri == f"{s3}/root/export/new"
    assert exported.find(changed).uri == f"{s3}/root/export/other"


def test_without_an_export_the_others_are_listed(start_aws: Start, s3: str):
    start_aws()
    configuration = settings(f"{s3}/root")
    with pytest.raises(DeployError, match=r"no finished export of this configuration\nrun the pipeline first"):
        exported.find(configuration)
    uri = put_export(configuration, withheld=True)
    with pytest.raises(DeployError, match=rf"{uri}  withheld by the gate"):
        exported.find(configuration)
    with pytest.raises(DeployError, match=r"has no fim\.json; the gate withheld the model"):
        exported.at(uri)


def test_an_export_on_this_machine_is_told_how_to_reach_sagemaker(tmp_path: Path):
    configuration = settings(str(tmp_path))
    uri = put_export(configuration)
    with pytest.raises(DeployError, match=f"aws s3 sync {uri} s3://BUCKET/fimsmith/export/NAME"):
        exported.find(configuration)


@pytest.mark.parametrize(
    ("change", "words"), [({"role": None}, "run.sagemaker.role is not"), ({"endpoint": {}}, "endpoint.image is not")]
)
def test_what_is_not_configured_is_refused_before_any_call(s3: str, change: dict, words: str):
    with pytest.raises(ConfigError, match=words):
        sagemaker.deploy(settings(f"{s3}/root", **change))


def test_the_command_prints_how_to_call_and_delete_the_endpoint(start_aws: Start, s3: str, tmp_path: Path):
    aws = start_aws(model=answering())
    path = written(tmp_path / "company.yaml", f"{s3}/root")
    put_export(settings(f"{s3}/root"))
    done = subprocess.run(command(path), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"AWS_REGION=us-east-1 fimsmith deploy sagemaker {path} --delete" in done.stdout
    subprocess.run(command(path, "--delete"), check=True, capture_output=True)
    assert not left(aws)


def test_sigterm_removes_what_was_made(start_aws: Start, s3: str, tmp_path: Path):
    aws = start_aws(model=answering())
    path = written(tmp_path / "company.yaml", f"{s3}/root")
    put_export(settings(f"{s3}/root"))
    process = subprocess.Popen(command(path, poll=2), stdout=subprocess.PIPE, text=True)
    assert process.stdout
    for line in process.stdout:
        if "Creating, 0:00" in line:  # it sleeps now before the next look
            process.send_signal(signal.SIGTERM)
            break
    process.communicate(timeout=120)
    assert process.returncode == 130
    assert not left(aws)
