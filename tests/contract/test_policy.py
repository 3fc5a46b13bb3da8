"""docs/iam allows every call that is made, on what it is made on, and nothing that is never called."""

import fnmatch
import json
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient

from fimsmith import config, doctor, storage
from fimsmith.deploy import hosting
from fimsmith.deploy import sagemaker as deploying
from fimsmith.doctor import sagemaker as examining
from fimsmith.errors import DeployError, JobError
from fimsmith.jobspec import JobSpec
from fimsmith.launch import Job, sagemaker, sagemaker_request, sagemaker_watch
from tests.contract import jobs
from tests.contract.aws import FakeAws
from tests.contract.conftest import Start
from tests.contract.served import IMAGE, answering, put_export, settings

IAM = Path(__file__).parents[2] / "docs" / "iam"
ACCOUNT = "us-east-1:123456789012"
Right = tuple[str, str]  # action, resource
# allowed although no test calls it: what for
UNCALLED = {"s3:AbortMultipartUpload": "clears up after an upload that broke off"}
FREE = "sts:GetCallerIdentity"  # AWS asks for no permission
S3 = {  # operation -> action, where the names differ
    "CopyObject": ("GetObject", "PutObject"),
    "DeleteObjects": ("DeleteObject",),
    "HeadBucket": ("ListBucket",),
    "HeadObject": ("GetObject",),
    "ListObjectsV2": ("ListBucket",),
}
ROOT = "os.environ['FIMSMITH_SAGEMAKER_ROOT']"
DONE = (
    f"import json, pathlib; model = pathlib.Path({ROOT}, 'model'); (model / 'weights').write_text('wwww')\n"
    "answer = {'metrics': {}, 'details': {}, 'published': [{'weights': 4}, 'd']}\n"
    "(model / 'outcome.json').write_text(json.dumps(answer)); print('done')\n"
)
SLEEP = "import time; time.sleep(60)\n"


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> set[Right]:
    """The rights on S3 that the calls of this process take."""
    rights: set[Right] = set()
    call = BaseClient._make_api_call

    def noted(self: Any, operation: str, parameters: dict[str, Any]) -> Any:
        if self.meta.service_model.service_name == "s3":
            rights.update(_s3(operation, parameters))
        return call(self, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", noted)
    return rights


def _s3(operation: str, parameters: dict[str, Any]) -> Iterator[Right]:
    bucket = f"arn:aws:s3:::{parameters['Bucket']}"
    keys = [parameters.get("Key")] if "Key" in parameters else []
    keys += [each["Key"] for each in parameters.get("Delete", {}).get("Objects", [])]
    for action in S3.get(operation, (operation,)):
        if action == "ListBucket":
            yield f"s3:{action}", bucket
        if action == "GetBucketPolicy":
            yield f"s3:{action}", bucket
        for key in keys:
            yield f"s3:{action}", f"{bucket}/{key}"


def rights(aws: FakeAws) -> set[Right]:
    """The rights that the calls to an account take, those that come with a call included."""
    found: set[Right] = set()
    for service, operation, parameters in aws.calls:
        prefix = {"service-quotas": "servicequotas", "sagemaker-runtime": "sagemaker"}.get(service, service)
        resource = _resource(prefix, operation, parameters)
        found.add((f"{prefix}:{operation}", resource))
        if parameters.get("Tags"):
            found.add(("sagemaker:AddTags", resource))
        if role := parameters.get("RoleArn") or parameters.get("ExecutionRoleArn"):
            found.add(("iam:PassRole", role))
    return {right for right in found if right[0] != FREE}


def _resource(service: str, operation: str, parameters: dict[str, Any]) -> str:
    """What a call is made on, in the words of the service's own list of actions and resources."""
    if service == "sagemaker":
        kind = re.sub(r"^(Create|Describe|Delete|Stop|Invoke)", "", operation)
        slug = re.sub(r"(?<!^)(?=[A-Z])", "-", kind).lower()
        name = parameters.get(f"{kind}Name", "").lower()
        return parameters.get("ResourceArn") or f"arn:aws:sagemaker:{ACCOUNT}:{slug}/{name}"
    if service == "logs":
        stream = parameters.get("logStreamName", "")
        return f"arn:aws:logs:{ACCOUNT}:log-group:{parameters['logGroupName']}:log-stream:{stream}"
    if service == "iam":
        return parameters.get("PolicySourceArn") or f"arn:aws:iam::123456789012:role/{parameters['RoleName']}"
    if service == "ecr":
        return f"arn:aws:ecr:{ACCOUNT}:repository/{parameters['repositoryName']}"
    return "*"


def policy(name: str, bucket: str) -> list[dict[str, Any]]:
    """The statements of a policy for a bucket."""
    text = (IAM / f"{name}.json").read_text(encoding="utf-8")
    return json.loads(text.replace("your-bucket", bucket.removeprefix("s3://")))["Statement"]


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def allowed(statements: list[dict[str, Any]], right: Right) -> bool:
    return any(
        right[0] in listed(each["Action"])
        and any(fnmatch.fnmatchcase(right[1], pattern) for pattern in listed(each["Resource"]))
        for each in statements
    )


def check(statements: list[dict[str, Any]], taken: set[Right]) -> None:
    """Exactly what is taken is allowed."""
    assert not [right for right in sorted(taken) if not allowed(statements, right)]
    actions = {action for each in statements for action in listed(each["Action"])}
    assert actions - {action for action, _ in taken} == UNCALLED.keys() & actions


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits longer than needed."""
    waits = ((sagemaker_watch, "INTERVAL"), (sagemaker_watch, "_QUIET"), (sagemaker, "INTERVAL"), (hosting, "POLL"))
    for module, name in waits:
        monkeypatch.setattr(module, name, 0.05)


@pytest.fixture
def job(s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Job]:
    """Make a job of the launcher whose container runs a Python script."""
    written = sagemaker_request.request

    def make(name: str, script: str) -> Job:
        def render(*arguments: Any) -> dict[str, Any]:
            document, small = written(*arguments), jobs.request(s3, script)
            document["AlgorithmSpecification"]["ContainerEntrypoint"] = small["AlgorithmSpecification"][
                "ContainerEntrypoint"
            ]
            document["Environment"] |= small["Environment"]
            return document

        monkeypatch.setattr(sagemaker_request, "request", render)
        folder = tmp_path / name
        (folder / "log").mkdir(parents=True)
        made = Job(name, "train", "fimsmith.train", folder, destination=f"{s3}/fimsmith/train/{name}")
        spec = JobSpec(stage="train", section={}, inputs=[], folder=str(folder), destination=made.destination)
        storage.write(made.argument, spec.model_dump_json())
        return made

    return make


def test_a_run_takes_exactly_the_callers_policy(
    start_aws: Start, s3: str, stored: set[Right], impatient: None, job: Callable[[str, str], Job]
):
    aws = start_aws(unlisted={"ml.g6e.12xlarge for training job usage"})
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/fimsmith/train:1"
    place = settings(f"{s3}/fimsmith", image=image).run.model_copy(update={"launcher": "sagemaker"})
    faults = [each for each in doctor.check(config.Config.model_construct(run=place, model=None)) if each.ok is False]
    assert not faults
    aws.behaviour.denied = {f"s3:{action}" for action in ("GetObject", "PutObject", "DeleteObject", "ListBucket")}
    assert any("fimsmith do not allow" in each.text for each in examining.looked(doctor.result.Subject(run=place)))
    aws.behaviour.denied = set()
    sagemaker.run(job("done", DONE), place)
    stopped = job("stopped", SLEEP)
    begun = len(aws.calls)

    def interrupt() -> None:
        jobs.until(lambda: [name for _, name, _ in aws.calls[begun:] if name == "CreateTrainingJob"])
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(JobError, match="stopped by SIGINT"):
        sagemaker.run(stopped, place)
    storage.erase(f"{s3}/fimsmith/train/stopped")  # as a stage does with its checkpoints
    check(policy("caller", s3), rights(aws) | stored)


def test_a_deployment_takes_exactly_the_policy_for_it(start_aws: Start, s3: str, stored: set[Right], impatient: None):
    configuration = settings(f"{s3}/fimsmith")
    put_export(configuration)
    stored.clear()
    aws = start_aws(model=answering(), healthy=False)
    with pytest.raises(DeployError, match="GET /ping 503"):
        deploying.deploy(configuration)
    aws.behaviour.healthy = True
    deploying.deploy(configuration)
    deploying.delete(configuration)
    check(policy("deploy", s3), rights(aws) | stored)


def test_the_role_has_the_rights_that_the_doctor_asks_for_and_pulls_the_images_of_the_guide(start_aws: Start, s3: str):
    aws = start_aws()
    place = settings(f"{s3}/fimsmith").run
    list(examining.looked(doctor.result.Subject(run=place)))
    statements = policy("execution", s3)
    asked = [each for _, name, each in aws.calls if name == "SimulatePrincipalPolicy"]
    wanted = {
        (action, resource.replace("*", "any"))
        for each in asked
        if each["ActionNames"] != ["iam:PassRole"]
        for action in each["ActionNames"]
        for resource in each["ResourceArns"]
    }
    assert len(wanted) == 4
    assert all(allowed(statements, right) for right in wanted)
    registry, repository = IMAGE.split("/")[0], IMAGE.split("/")[1].split(":")[0]
    arn = f"arn:aws:ecr:us-east-1:{registry.split('.')[0]}:repository/{repository}"
    assert allowed(statements, ("ecr:BatchGetImage", arn))


@pytest.mark.parametrize("path", sorted(IAM.glob("*.json")), ids=lambda path: path.stem)
def test_a_policy_fits_into_a_managed_one_and_those_of_a_role_into_it(path: Path):
    def size(*paths: Path) -> int:
        """Count as IAM does, without white space, with the longest names that AWS allows."""
        text = "".join(each.read_text(encoding="utf-8") for each in paths)
        return len(re.sub(r"\s", "", text.replace("your-bucket", "b" * 63).replace("us-east-1", "ap-southeast-1")))

    assert size(path) <= 6_144
    assert size(*(each for each in IAM.glob("*.json") if each.stem != "trust")) <= 10_240


def test_a_user_gets_managed_policies_because_inline_ones_are_too_small():
    both = "".join((IAM / f"{name}.json").read_text() for name in ("caller", "deploy"))
    assert len("".join(both.split())) > 2_048
    guide = (IAM.parent / "sagemaker.md").read_text(encoding="utf-8")
    assert "put-user-policy" not in guide
    assert guide.count("aws iam attach-user-policy") == 3


def test_sagemaker_may_take_on_a_role_with_the_trust_of_the_guide():
    assert examining._trusts(json.loads((IAM / "trust.json").read_text()))


def test_the_policy_for_a_key_is_what_the_doctor_asks_about(start_aws: Start, s3: str):
    aws = start_aws()
    place = settings(f"{s3}/fimsmith", kms_key="your-key").run
    results = [each for each in examining.looked(doctor.result.Subject(run=place)) if each.name == "key"]
    assert [each.ok for each in results] == [True, True]
    asked = [each for _, name, each in aws.calls if name == "SimulatePrincipalPolicy"]
    taken = {
        (action, resource)
        for each in asked
        for action in each["ActionNames"]
        for resource in each["ResourceArns"]
        if action.startswith("kms:")
    }
    statements = policy("key", s3)
    check(statements, taken)
    (grant,) = [each for each in statements if each["Action"] == "kms:CreateGrant"]
    assert grant["Condition"] == {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    entries = [each["ContextEntries"] for each in asked if each["ActionNames"] == ["kms:CreateGrant"]]
    (entry,) = entries[0]
    assert entry["ContextKeyType"] == "boolean"


def test_only_this_account_can_make_sagemaker_take_on_the_role():
    (statement,) = json.loads((IAM / "trust.json").read_text())["Statement"]
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}


@pytest.mark.parametrize("name", ["caller", "deploy"])
def test_the_role_is_passed_to_nothing_but_sagemaker(name: str):
    (passing,) = [each for each in policy(name, "s3://bucket") if each["Action"] == "iam:PassRole"]
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
