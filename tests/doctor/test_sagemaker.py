"""The doctor on an AWS account: each fault is told with the command that mends it, and no lack of rights is a fault."""

import json
from typing import Any

import boto3
import pytest

from fimsmith import config, doctor, preflight
from fimsmith.doctor import sagemaker
from fimsmith.doctor.account import Account
from fimsmith.doctor.result import Result, Subject
from fimsmith.errors import ConfigError
from tests.contract.conftest import Start

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/fimsmith/train:0.1.0-cuda"
LMI = "763104351884.dkr.ecr.us-east-1.amazonaws.com/djl-inference:0.35.0-lmi17.0.0-cu128"
S3 = {f"s3:{action}" for action in ("GetObject", "PutObject", "DeleteObject", "ListBucket")}
ROLE = "arn:aws:iam::123456789012:role/fimsmith"


def subject(root: str, nodes: int = 2, **settings: Any) -> Subject:
    jobs = {"role": ROLE, "image": IMAGE, "instance_type": "ml.p5.48xlarge", **settings}
    run = {"root": f"{root}/prefix", "launcher": "sagemaker", "nodes": nodes, "sagemaker": jobs}
    return Subject(run=config.Run.model_validate(run))


def looked(root: str, **settings: Any) -> dict[str, Result]:
    found: dict[str, Result] = {}
    for result in sagemaker.looked(subject(root, **settings)):
        assert "check itself failed" not in result.text, result
        found[result.name] = result if result.name not in found or found[result.name].ok else found[result.name]
    return found


def test_an_account_that_is_ready_has_no_fault(start_aws: Start, s3: str):
    aws = start_aws()
    results = looked(s3)
    assert {name: result.ok for name, result in results.items()} == dict.fromkeys(
        ("identity", "role", "pass role", "bucket", "role's S3", "quota", "image"), True
    )
    assert "user/tester in us-east-1" in results["identity"].text
    simulated = [each for _, name, each in aws.calls if name == "SimulatePrincipalPolicy"]
    (asked,) = [each for each in simulated if each["ActionNames"] == ["iam:PassRole"]]
    assert asked["ResourceArns"] == [ROLE]
    assert "sagemaker.amazonaws.com" in str(asked["ContextEntries"])


@pytest.mark.parametrize(
    ("behaviour", "settings", "name", "text", "fix"),
    [
        ({"roles": {}}, {}, "role", "there is no role fimsmith", "aws iam create-role --role-name fimsmith"),
        (
            {"roles": {"fimsmith": "ec2.amazonaws.com"}},
            {},
            "role",
            "fimsmith does not trust sagemaker.amazonaws.com",
            "aws iam update-assume-role-policy --role-name fimsmith",
        ),
        (
            {},
            {"role": ROLE.replace("123456789012", "210987654321")},
            "role",
            "is of account 210987654321",
            "sign in to",
        ),
        ({}, {"role": None}, "role", "run.sagemaker.role is not set", "make one"),
        (
            {"denied": {"iam:PassRole"}},
            {},
            "pass role",
            "user/tester may not pass",
            "aws iam create-policy --policy-name fimsmith --policy-document file://docs/iam/caller.json\n"
            "aws iam attach-user-policy --user-name tester --policy-arn arn:aws:iam::123456789012:policy/fimsmith",
        ),
        (
            {"quotas": {"ml.p5.48xlarge for training job usage": 1}},
            {},
            "quota",
            "ml.p5.48xlarge for training job usage: 1, 2 needed",
            "--desired-value 2",
        ),
        (
            {"quotas": {"ml.p5.48xlarge for spot training job usage": 0}},
            {"spot": True},
            "quota",
            "for spot training job usage: 0, 2 needed",
            "aws service-quotas request-service-quota-increase --region us-east-1",
        ),
        (
            {"quotas": {"ml.p5.48xlarge for training warm pool usage": 0}},
            {"keep_alive": 600},
            "quota",
            "for training warm pool usage: 0, 2 needed",
            "--quota-code L-",
        ),
        (
            {"quotas": {"ml.g5.2xlarge for training job usage": 0}},
            {"single_instance_type": "ml.g5.2xlarge"},
            "quota",
            "ml.g5.2xlarge for training job usage: 0, 1 needed",
            "--desired-value 1",
        ),
        (
            {"quotas": {"ml.g5.2xlarge for endpoint usage": 1}},
            {"endpoint": {"image": IMAGE, "instance_type": "ml.g5.2xlarge", "instances": 2}},
            "endpoint quota",
            "ml.g5.2xlarge for endpoint usage: 1, 2 needed",
            "--desired-value 2",
        ),
        (
            {"images": ["fimsmith/train:0.1.0-cuda"]},
            {"endpoint": {"image": IMAGE.replace("train", "serve")}},
            "endpoint image",
            "there is no repository fimsmith/serve",
            "aws ecr create-repository",
        ),
        (
            {},
            {"endpoint": {"image": LMI.replace("us-east-1", "eu-west-1")}},
            "endpoint image",
            "is not an image in ECR in us-east-1",
            "run.sagemaker.endpoint.image",
        ),
        ({}, {"instance_type": "ml.p55.big"}, "quota", "is the instance type right", "list-service-quotas"),
        ({"images": ["other:1"]}, {}, "image", "there is no repository fimsmith/train", "aws ecr create-repository"),
        ({"images": ["fimsmith/train:0.2"]}, {}, "image", "is not in its repository", f"docker push {IMAGE}"),
        ({}, {"image": "docker.io/me/train:1"}, "image", "is not an image in ECR", "amazonaws.com/fimsmith/train:TAG"),
        ({}, {"image": IMAGE.replace("us-east-1", "eu-west-1")}, "image", "is in eu-west-1", "push it to us-east-1"),
        ({}, {"image": None}, "image", "run.sagemaker.image is not set", "docs/images.md"),
    ],
)
def test_a_fault_is_told_with_what_mends_it(
    start_aws: Start, s3: str, behaviour: dict, settings: dict, name: str, text: str, fix: str
):
    start_aws(**behaviour)
    result = looked(s3, **settings)[name]
    assert result.ok is False
    assert text in result.text
    assert fix in result.fix


@pytest.mark.parametrize(
    ("action", "name"),
    [
        ("iam:GetRole", "role"),
        ("iam:SimulatePrincipalPolicy", "pass role"),
        ("servicequotas:ListServiceQuotas", "quota"),
        ("ecr:DescribeImages", "image"),
    ],
)
def test_a_right_to_look_that_is_lacking_is_no_fault(start_aws: Start, s3: str, action: str, name: str):
    start_aws(denied={action})
    result = looked(s3)[name]
    assert result.ok is None
    assert "not allowed to ask" in result.text


def test_a_session_of_a_role_is_asked_about_as_the_role(start_aws: Start, s3: str):
    roles = {"fimsmith": "sagemaker.amazonaws.com", "Developer": "ec2.amazonaws.com"}
    start_aws(caller="arn:aws:sts::123456789012:assumed-role/Developer/me", roles=roles)
    assert "Developer may pass the role" in looked(s3)["pass role"].text
    start_aws(caller="arn:aws:sts::123456789012:assumed-role/Developer/me", roles=roles, denied={"iam:PassRole"})
    assert "aws iam put-role-policy --role-name Developer" in looked(s3)["pass role"].fix


def test_a_role_that_its_own_policies_keep_from_the_bucket_is_told_but_may_be_let_in_by_the_bucket(
    start_aws: Start, s3: str
):
    start_aws(denied={"s3:PutObject"})
    result = looked(s3)["role's S3"]
    assert result.ok is None
    assert "do not allow s3:PutObject" in result.text
    assert "aws iam put-role-policy --role-name fimsmith --policy-name fimsmith" in result.text


def test_a_role_that_may_do_nothing_in_a_bucket_without_a_policy_is_a_fault(start_aws: Start, s3: str):
    aws = start_aws(denied=S3)
    result = looked(s3)["role's S3"]
    assert result.ok is False
    assert "file://docs/iam/execution.json" in result.fix
    statement = {"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "s3:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    boto3.client("s3").put_bucket_policy(Bucket=s3.removeprefix("s3://"), Policy=policy)
    assert looked(s3)["role's S3"].ok is None
    assert aws.behaviour.denied


@pytest.mark.parametrize("role", [ROLE.replace("fimsmith", "nobody"), ROLE.replace("123456789012", "210987654321")])
def test_a_role_that_is_not_there_is_told_once(start_aws: Start, s3: str, role: str):
    aws = start_aws()
    results = list(sagemaker.looked(subject(s3, role=role, kms_key="0a-1b")))
    assert [each.name for each in results if each.ok is False] == ["role"]
    sources = {each["PolicySourceArn"] for _, name, each in aws.calls if name == "SimulatePrincipalPolicy"}
    assert sources == {"arn:aws:iam::123456789012:user/tester"}  # who may use the key


def test_another_refusal_than_of_the_login_is_told_in_its_own_words(start_aws: Start, s3: str):
    start_aws(errors={"SimulatePrincipalPolicy": ["PolicyEvaluationException"]})
    result = looked(s3)["pass role"]
    assert "AWS answers PolicyEvaluation: " in result.text
    assert "sso login" not in result.fix
    start_aws(errors={"SimulatePrincipalPolicy": ["ExpiredTokenException"]})
    assert "sso login" in looked(s3)["pass role"].fix


def test_no_result_shows_the_sessions_token(start_aws: Start, s3: str, monkeypatch: pytest.MonkeyPatch):
    start_aws()
    monkeypatch.setenv("AWS_SESSION_TOKEN", "FwoGZXIvYXdz")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    results = looked(s3)
    assert "does not match the signature" in results["identity"].text
    told = Account()
    told.caller, told.number = ROLE.replace("role", "user"), "123456789012"
    for name, check in sagemaker._CHECKS:
        results |= {each.name: each for each in sagemaker._made(name, check, subject(s3, kms_key="0a-1b"), told)}
    assert "InvalidSignatureException" in results["quota"].text
    assert "FwoGZXIvYXdz" not in "".join(map(str, results.values()))


def test_with_a_training_plan_the_quota_on_demand_is_no_fault(start_aws: Start, s3: str):
    start_aws(quotas={"ml.p5.48xlarge for training job usage": 0, "ml.g5.2xlarge for training job usage": 0})
    plan = "arn:aws:sagemaker:us-east-1:123456789012:training-plan/p5-in-may"
    place = subject(s3, training_plan=plan, single_instance_type="ml.g5.2xlarge")
    assert [each.ok for each in sagemaker.looked(place) if each.name == "quota"] == [None, False]


def test_only_the_instances_of_the_training_are_kept_warm(start_aws: Start, s3: str):
    start_aws(quotas={"ml.g5.2xlarge for training warm pool usage": 0})
    assert looked(s3, single_instance_type="ml.g5.2xlarge", keep_alive=600)["quota"].ok


def test_an_endpoint_that_cannot_be_made_does_not_keep_the_run_from_starting(start_aws: Start, s3: str):
    start_aws(quotas={"ml.g6e.2xlarge for endpoint usage": 0})
    place = subject(s3, endpoint={"image": LMI})
    results = {each.name: each for each in sagemaker.looked(place)}
    assert results["endpoint quota"].ok is False
    assert results["endpoint image"].ok is None
    preflight._check_launcher(config.Config.model_construct(run=place.run, model=None))


def test_a_bucket_in_another_region_is_a_fault(start_aws: Start, s3: str):
    start_aws()
    boto3.client("s3", region_name="eu-west-1").create_bucket(
        Bucket="elsewhere", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    result = looked("s3://elsewhere")["bucket"]
    assert result.ok is False
    assert "elsewhere is in eu-west-1, jobs run in us-east-1" in result.text


def test_without_an_identity_nothing_else_is_asked(start_aws: Start, s3: str, monkeypatch: pytest.MonkeyPatch):
    aws = start_aws()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    results = looked(s3)
    assert list(results) == ["identity"]
    assert "aws sso login" in results["identity"].fix
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    assert looked(s3)["identity"].text == "no region is set"
    monkeypatch.setenv("AWS_PROFILE", "nowhere")
    assert "nowhere" in looked(s3)["identity"].text
    assert not [call for call in aws.calls if call[0] == "iam"]


def test_the_doctor_as_a_whole_looks_at_the_account_and_needs_no_cluster(
    start_aws: Start, s3: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("KFP_ENDPOINT", raising=False)
    start_aws(images=[])
    run = subject(s3).run
    results = {result.name: result for result in doctor.check(config.Config.model_construct(run=run, model=None))}
    assert results["S3 from here"].ok
    assert results["image"].ok is False
    assert results["cluster"].ok is None


def test_preflight_refuses_an_account_that_is_not_ready(start_aws: Start, s3: str):
    start_aws(quotas={"ml.p5.48xlarge for training job usage": 0})
    checked = config.Config.model_construct(run=subject(s3).run, model=None)
    with pytest.raises(ConfigError, match=r"✗ quota .*0, 2 needed\n.*fix: aws service-quotas"):
        preflight._check_launcher(checked)


def test_a_quota_that_only_aws_lists_is_not_absent(start_aws: Start, s3: str):
    name = "ml.p5.48xlarge for training job usage"
    start_aws(unlisted={name})
    assert f"{name}: 8 of 2 needed" in looked(s3)["quota"].text
    start_aws(unlisted={name}, quotas={name: 0})
    assert "--desired-value 2" in looked(s3)["quota"].fix


@pytest.mark.parametrize("action", ["kms:Decrypt", "kms:CreateGrant"])
def test_a_key_that_may_not_be_used_is_told(start_aws: Start, s3: str, action: str):
    start_aws(denied={action})
    assert "key" not in looked(s3)
    arn = "arn:aws:kms:us-east-1:123456789012:key/0a-1b"
    for key in ("0a-1b", arn):
        results = [each for each in sagemaker.looked(subject(s3, kms_key=key)) if each.name == "key"]
        assert [each.ok for each in results] == [None, None]
        assert f"fimsmith do not allow {action} on {arn}" in results[0].text
        assert "attach-user-policy --user-name tester --policy-arn arn:aws:iam::123456789012:policy/fimsmith-key" in (
            results[1].text
        )


def test_a_role_of_identity_center_is_changed_by_its_permission_set(start_aws: Start, s3: str):
    name = "AWSReservedSSO_Data-Team_0123456789abcdef"
    roles = {"fimsmith": "sagemaker.amazonaws.com", name: "ec2.amazonaws.com"}
    start_aws(caller=f"arn:aws:sts::123456789012:assumed-role/{name}/me", roles=roles, denied={"iam:PassRole"})
    fix = looked(s3)["pass role"].fix
    assert "docs/iam/caller.json into the permission set Data-Team" in fix
    assert "put-role-policy" not in fix
