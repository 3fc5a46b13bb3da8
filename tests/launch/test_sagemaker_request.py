"""fimsmith.launch.sagemaker_request: whole documents, checked against the service's own model.

FIMSMITH_GOLDEN=1 writes the expected documents anew.
"""

import json
import os
import re
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from fimsmith import config, sagemaker
from fimsmith.launch import Job, sagemaker_request
from fimsmith.launch.placement import Placement
from fimsmith.manifest import Manifest
from tests.contract import validation

ROOT = "s3://bucket/root"
GOLDEN = Path(__file__).parents[1] / "fixtures" / "sagemaker"
REQUIRED = {
    "role": "arn:aws:iam::123456789012:role/fimsmith",
    "image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/fimsmith/train:0.1.0",
}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "train": ("train", {"instance_type": "ml.p5.48xlarge"}),
    "train-spot": ("train", {"spot": True, "max_runtime": 100_000, "max_wait": 200_000, "input_mode": "FastFile"}),
    "train-private": (
        "train",
        {
            "instance_type": "ml.m5.4xlarge",
            "volume": 500,
            "subnets": ["subnet-0a", "subnet-0b"],
            "security_groups": ["sg-0a"],
            "kms_key": "arn:aws:kms:us-east-1:123456789012:key/0a",
            "encrypt_between": True,
            "network_isolation": True,
            "fsx": "fs-0123456789abcdef0",
            "fsx_directory": "/mount/root",
            "retries": 0,
            "keep_alive": 1800,
            "tags": {"team": "ide"},
        },
    ),
    "train-plan": (
        "train",
        {
            "instance_type": "ml.p5.48xlarge",
            "training_plan": "arn:aws:sagemaker:us-east-1:123456789012:training-plan/p5-in-may",
        },
    ),
    "evaluate": ("evaluate", {"single_instance_type": "ml.g5.2xlarge"}),
}


def made(stage: str, number: int = 0) -> Manifest:
    uri = f"{ROOT}/{stage}/{number:016x}"
    return Manifest(stage=stage, fingerprint="f", digest="d", uri=uri, files={"a": 1}, metrics={}, details={})


BASE = made("model").model_copy(update={"uri": "s3://models/deepseek"})
INPUTS = {"train": [BASE, made("mix")], "evaluate": [BASE, made("fim", 0), made("fim", 1)]}


def job(stage: str, **changes: Any) -> Job:
    several = {"distributed": True, "nodes": 2, "processes": 8} if stage == "train" else {}
    settings = {"name": f"{stage}-0123456789abcdef", "stage": stage, "module": f"fimsmith.{stage}"}
    place = {"folder": Path("/work"), "destination": f"{ROOT}/{stage}/0123456789abcdef"}
    return Job(**{**settings, **several, **place, **changes})  # type: ignore


def request(stage: str, inputs: list[Manifest] | None = None, wish: Placement | None = None, **settings: Any) -> dict:
    run = config.Run.model_validate(
        {"root": ROOT, "launcher": "sagemaker", "sagemaker": {**REQUIRED, **settings}, "nodes": 2}
    )
    more = {"placement": wish} if wish else {}
    return sagemaker_request.request(job(stage, **more), inputs or INPUTS[stage], run, 3, "run-7")


@pytest.mark.parametrize("case", CASES)
def test_the_whole_document_is_as_recorded_and_the_service_takes_it(case: str):
    stage, settings = CASES[case]
    document = request(stage, **settings)
    shape = (
        botocore.session.get_session().get_service_model("sagemaker").operation_model("CreateTrainingJob").input_shape
    )
    report = ParamValidator().validate(document, shape)
    assert not report.has_errors(), report.generate_report()
    validation.check("sagemaker", shape, document)  # patterns and bounds, which botocore leaves to the service
    path = GOLDEN / f"{case}.json"
    if os.environ.get("FIMSMITH_GOLDEN"):
        path.write_text(json.dumps(document, indent=1) + "\n")
    assert document == json.loads(path.read_text())


def test_metrics_are_found_in_a_line_of_the_journal():
    line = json.dumps({"step": 3, "train_loss": 1.25e-05, "learning_rate": 2e-5, "tokens_per_second": 1234.5})
    found = {}
    for each in request("train")["AlgorithmSpecification"]["MetricDefinitions"]:
        if match := re.search(each["Regex"], line):
            found[each["Name"]] = float(match[1])
    assert found == {"train_loss": 1.25e-05, "learning_rate": 2e-5, "tokens_per_second": 1234.5}


def test_more_inputs_than_channels_share_one_that_lists_their_files():
    shards = [made("fim", number) for number in range(64)]
    channels = request("evaluate", [BASE, *shards])["InputDataConfig"]
    assert len(channels) == 20
    assert channels[-1]["DataSource"]["S3DataSource"]["S3DataType"] == "ManifestFile"
    listed = sagemaker_request.listing([BASE, *shards][sagemaker.OWN :], ROOT)
    assert listed[0] == {"prefix": f"{ROOT}/"}
    own = {channel["DataSource"]["S3DataSource"]["S3Uri"] for channel in channels}
    reached = own | {f"{ROOT}/{name.rpartition('/')[0]}/" for name in listed[1:]}
    assert {f"{each.uri}/" for each in shards} <= reached


def test_a_disk_of_the_instances_own_gets_no_key():
    kinds = ["ml.p4d.24xlarge", "ml.g5.xlarge", "ml.g6e.12xlarge", "ml.p5en.48xlarge", "ml.r5d.large", "ml.m5.large"]
    keyed = [
        "VolumeKmsKeyId" in request("train", kms_key="key", instance_type=kind)["ResourceConfig"] for kind in kinds
    ]
    assert keyed == [False] * 5 + [True]


def test_instances_are_kept_and_taken_from_a_plan_only_where_they_are_the_trainings():
    plan = "arn:aws:sagemaker:us-east-1:123456789012:training-plan/p5-in-may"
    for stage, single, kept in (
        ("train", "ml.g5.xlarge", True),
        ("evaluate", None, True),
        ("evaluate", "ml.g5.xlarge", False),
    ):
        settings = {"keep_alive": 600, "training_plan": plan, "single_instance_type": single}
        resources = request(stage, **settings)["ResourceConfig"]
        assert ("KeepAlivePeriodInSeconds" in resources, "TrainingPlanArn" in resources) == (kept, kept)


def test_tags_of_all_scripts_are_taken_and_those_of_fimsmith_come_last():
    tags = {"Kosten stelle": "Prüfung 4711 @ß/東京", "a.b:c/d=e+f-g@h": ""}
    document = request("train", tags=tags)
    assert [each["Key"] for each in document["Tags"]] == [*sorted(tags), "fimsmith:stage", "fimsmith:run"]
    shape = botocore.session.get_session().get_service_model("sagemaker").shape_for("TagList")
    validation.check("sagemaker", shape, document["Tags"])


def test_keys_of_a_secret_do_not_leave_the_cluster():
    secret = {"name": "AWS_SECRET_ACCESS_KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}
    document = request("train", wish=Placement(env=[secret, {"name": "NCCL_DEBUG", "value": "INFO"}]))
    assert document["Environment"]["NCCL_DEBUG"] == "INFO"
    assert "SECRET" not in json.dumps(document)


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"])
def test_keys_that_a_task_holds_in_plain_text_do_not_leave_the_cluster(name: str):
    plain = [{"name": name, "value": "hidden"}, {"name": "AWS_DEFAULT_REGION", "value": "eu-west-1"}]
    document = request("train", wish=Placement(env=plain))
    assert document["Environment"]["AWS_DEFAULT_REGION"] == "eu-west-1"
    assert "hidden" not in json.dumps(document)


def test_names_are_those_of_the_work_its_root_and_its_attempt():
    long = job("train", name="train-" + "x" * 80)
    names = {
        sagemaker_request.name(job("train"), 1),
        sagemaker_request.name(job("train"), 2),
        sagemaker_request.name(job("train", destination="s3://other/root/train/0123456789abcdef"), 1),
        sagemaker_request.name(long, 10),
    }
    assert len(names) == 4
    assert all(re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", name) for name in names)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"subnets": ["subnet-1"] * 17, "security_groups": ["sg-1"]}, "at most 16"),
        ({"subnets": ["subnet-1"], "security_groups": ["sg-1"] * 6}, "at most 5"),
        ({"subnets": ["subnet-1"]}, "takes both, subnets and security_groups"),
        ({"tags": {str(number): "" for number in range(48)}}, "at most 47"),
        ({"max_runtime": 2_419_201}, "less than or equal to 2419200"),
        ({"keep_alive": 21_601}, "less than or equal to 21600"),
        ({"retries": 31}, "less than or equal to 30"),
        ({"kms_key": "alias/company"}, "is an alias; give the key's own id or ARN"),
        ({"kms_key": "key one"}, "is not the id or ARN of a KMS key"),
        ({"role": "fimsmith"}, "is not the ARN of a role, such as arn:aws:iam"),
        ({"training_plan": "p5-in-may"}, "is not the ARN of a training plan"),
        ({"tags": {"team": "R&D"}}, "the value 'R&D' of 'team' holds '&'; AWS takes letters, digits, spaces and"),
        ({"tags": {"k" * 129: ""}}, "has 129 characters; AWS takes at most 128"),
        ({"tags": {"team": "v" * 257}}, "has 257 characters; AWS takes at most 256"),
        ({"tags": {"": "x"}}, "the key '' is empty or begins with"),
        ({"tags": {"AWS:team": "x"}}, "begins with aws: or fimsmith:; choose another one"),
        ({"tags": {"fimsmith:stage": "x"}}, "begins with aws: or fimsmith:; choose another one"),
    ],
)
def test_what_the_service_would_refuse_is_refused_before(settings: dict[str, Any], words: str):
    with pytest.raises(ValueError, match=words):
        request("train", **settings)


def test_the_bounds_are_those_of_the_services_model():
    model = botocore.session.get_session().get_service_model("sagemaker")
    bounds = {
        "subnets": ("Subnets", "maxItems"),
        "security_groups": ("VpcSecurityGroupIds", "maxItems"),
        "keep_alive": ("KeepAlivePeriodInSeconds", "maximum"),
        "retries": ("MaximumRetryAttempts", "maximum"),
    }
    fields = config.SageMaker.model_json_schema()["properties"]
    for name, (shape, bound) in bounds.items():
        assert fields[name][bound] == model.shape_for(shape).metadata["max"], name
    assert fields["tags"]["maxProperties"] + 3 == model.shape_for("TagList").metadata["max"]
