"""What the chart renders, by the real helm; what a cluster makes of it is in tests/cluster/test_chart.py."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from chart_values import CHART, MINIMAL

from fimsmith import __version__, configfile
from fimsmith.doctor import rights

ROOT = CHART.parents[1]
CASES = sorted((CHART / "ci").glob("*-values.yaml"))
NAMESPACED = {"ConfigMap", "Job", "NetworkPolicy", "Pod", "Role", "RoleBinding", "ServiceAccount"}
Render = Callable[..., dict[str, dict[str, Any]]]


def with_values(**changes: Any) -> dict[str, Any]:
    return {**MINIMAL, **changes}


def defaults(objects: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return json.loads(objects["ConfigMap/fimsmith-config"]["data"]["config.json"])


def pods(objects: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        item["spec"] if item["kind"] == "Pod" else item["spec"]["template"]["spec"]
        for item in objects.values()
        if item["kind"] in ("Pod", "Job")
    ]


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_the_cases_lint_and_render_into_one_namespace(helm: Callable[..., Any], render: Render, case: Path):
    linted = helm("lint", str(CHART), "--strict", "-f", str(case))
    assert linted.returncode == 0, linted.stdout
    objects = render(case)
    assert {item["kind"] for item in objects.values()} <= NAMESPACED
    ours = [item for name, item in objects.items() if not name.endswith("-owner")]
    assert {item["metadata"]["namespace"] for item in ours} == {"ml"}
    assert all(item["metadata"]["labels"]["app.kubernetes.io/instance"] == "fimsmith" for item in ours)


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_pods_satisfy_the_restricted_standard(render: Render, case: Path):
    found = pods(render(case))
    assert len(found) == 3
    for pod in found:
        assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert set(container["resources"]) == {"requests", "limits"}
            assert "/tmp" in [mount["mountPath"] for mount in container["volumeMounts"]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": {}}, "at '/images/train': missing property 'repository'"),
        ({"images": {**MINIMAL["images"], "pipeline": {}}}, "at '/images/pipeline': missing property 'repository'"),
        ({"replicas": 3}, "additional properties 'replicas' not allowed"),
        ({"kfp": {"endpont": "x"}}, "at '/kfp': additional properties 'endpont' not allowed"),
        ({"kfp": {"namespace": 3}}, "at '/kfp/namespace': got number, want string"),
        ({"kfp": {"namespace": "a.b"}}, "at '/kfp/namespace'"),
        ({"nameOverride": "My Name"}, "at '/nameOverride'"),
        ({"serviceAccounts": {"job": {"name": "a\nb: c"}}}, "at '/serviceAccounts/job/name'"),
        ({"serviceAccounts": {"job": {"name": "a..b"}}}, "at '/serviceAccounts/job/name'"),
        ({"register": {"serviceAccount": "an account"}}, "at '/register/serviceAccount'"),
        ({"imagePullSecrets": ["{}"]}, "at '/imagePullSecrets/0'"),
        ({"register": {"wait": "long"}}, "at '/register/wait': got string, want integer"),
        ({"schedule": {"cron": "0 3 * * *"}}, "at '/schedule/cron'"),  # five fields mean something else to Kubeflow
        ({"config": {"trian": {}}}, "at '/config': additional properties 'trian' not allowed"),
        ({"config": {"train": {"batch": "many"}}}, "at '/config/train/batch': got string, want integer"),
        ({"config": {"run": {"kubernetes": {"gpus": -1}}}}, "at '/config/run/kubernetes/gpus': minimum"),
        ({"config": {"sources": [{"name": "a"}]}}, "at '/config/sources/0': missing property 'location'"),
    ],
)
def test_a_mistake_in_the_values_is_refused_with_its_place(
    template: Callable[..., Any], changes: dict[str, Any], message: str
):
    done = template({**MINIMAL, **changes} if "images" not in changes else changes)
    assert done.returncode != 0
    assert message in done.stderr


@pytest.mark.parametrize(
    ("image", "place"),
    [
        ({"tag": "1.0 # x"}, "tag"),
        ({"tag": "1\ncommand: [sh]"}, "tag"),
        ({"repository": "r.example/pipeline\ncommand: [sh]"}, "repository"),
        ({"repository": "r.example/pipeline:1"}, "repository"),
    ],
)
def test_what_is_no_image_is_refused(template: Callable[..., Any], image: dict[str, str], place: str):
    pipeline = MINIMAL["images"]["pipeline"] | image
    done = template({"images": {**MINIMAL["images"], "pipeline": pipeline}})
    assert done.returncode != 0
    assert f"at '/images/pipeline/{place}'" in done.stderr


@pytest.mark.parametrize(
    ("values", "endpoint"),
    [
        ({}, "http://ml-pipeline.kubeflow:8888"),
        ({"register": {"enabled": False}}, None),
        ({"register": {"enabled": False}, "kfp": {"endpoint": "http://kfp.example"}}, "http://kfp.example"),
    ],
)
def test_the_doctor_looks_at_kubeflow_pipelines_where_there_is_one(
    render: Render, values: dict[str, Any], endpoint: str | None
):
    (container,) = render(with_values(**values))["test:Pod/fimsmith-doctor"]["spec"]["containers"]
    assert {item["name"]: item["value"] for item in container["env"]}.get("KFP_ENDPOINT") == endpoint


def test_a_name_that_yaml_takes_for_something_else_stays_a_name(
    helm: Callable[..., Any], render: Render, tmp_path: Path
):
    values = with_values(
        serviceAccounts={"job": {"name": "123"}, "sandbox": {"name": "null"}},
        kfp={"runnerServiceAccount": "true"},
        register={"serviceAccount": "0x1f"},
        objectStore={"existingSecret": "0"},
        imagePullSecrets=["1"],
    )
    objects = render(values)
    assert {"ServiceAccount/123", "ServiceAccount/null"} <= set(objects)
    assert objects["RoleBinding/fimsmith-runner"]["subjects"][0]["name"] == "true"
    assert objects["test:Pod/fimsmith-doctor"]["spec"]["serviceAccountName"] == "true"
    (register, unregister, doctor) = sorted(pods(objects), key=lambda pod: pod["serviceAccountName"])
    assert register["serviceAccountName"] == unregister["serviceAccountName"] == "0x1f"
    assert doctor["imagePullSecrets"] == [{"name": "1"}]
    assert doctor["containers"][0]["envFrom"][0]["secretRef"]["name"] == "0"
    file = tmp_path / "values.yaml"
    numbered = helm("template", "fimsmith", str(CHART), "-n", "123", "-f", str(file), "--kube-version", "1.34.0")
    assert {item["metadata"]["namespace"] for item in yaml.safe_load_all(numbered.stdout)} == {"123"}


@pytest.mark.parametrize(
    "repository", ["pipeline", "localhost/fimsmith/pipeline", "r.example:5000/ml/fimsmith-pipeline", "r.example/a__b.c"]
)
def test_a_repository_may_name_a_port_and_folders(render: Render, repository: str):
    objects = render({"images": {**MINIMAL["images"], "pipeline": {"repository": repository}}})
    assert {pod["containers"][0]["image"] for pod in pods(objects)} == {f"{repository}:{__version__}"}


def test_a_moving_tag_is_refused(template: Callable[..., Any]):
    images = {**MINIMAL["images"], "pipeline": {"repository": "r.example/pipeline", "tag": "latest"}}
    done = template({"images": images})
    assert "images.pipeline.tag is 'latest'" in done.stderr


def test_the_schema_is_in_step_with_the_configuration():
    import runpy

    made = runpy.run_path(str(ROOT / "charts/schema.py"))["schema"]()
    assert json.loads((CHART / "values.schema.json").read_text(encoding="utf-8")) == made, "run: make docs"


def test_the_schema_knows_the_values_that_the_chart_has_and_no_others():
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))

    def compare(values: dict[str, Any], part: dict[str, Any], place: str) -> None:
        if "$ref" in part:
            part = schema["$defs"][part["$ref"].rpartition("/")[2]]
        known = set(part.get("properties", {})) - {"global", "repository"}
        if known and place != ".config":
            assert set(values) == known, place
            for name in known:
                if isinstance(values[name], dict):
                    compare(values[name], part["properties"][name], f"{place}.{name}")

    compare(yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8")), schema, "")


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_configuration_is_taken_as_defaults(render: Render, path: Path, tmp_path: Path):
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    kept = tmp_path / "config.json"
    kept.write_text(json.dumps(defaults(render(with_values(config=config)))), encoding="utf-8")
    there, back = configfile.load(path), configfile.load(kept)
    assert back.model_copy(update={"run": there.run}) == there


def test_the_chart_fills_in_what_it_knows_of_the_jobs_and_leaves_what_is_given(render: Render):
    config = {"run": {"kubernetes": {"service_account": "other"}}, "mix": {"weights": {"a": 1}, "tokens": 100_000_000}}
    made = defaults(render(with_values(config=config, imagePullSecrets=["registry"])))
    assert made["run"] == {
        "launcher": "pytorchjob",
        "kubernetes": {
            "image": f"r.example/train:{__version__}",
            "service_account": "other",
            "secret": "fimsmith-s3",
            "pull_secrets": ["registry"],
        },
    }
    assert made["mix"]["tokens"] == 100_000_000


def test_a_digest_goes_before_a_tag_and_the_version_stands_in_for_both(render: Render):
    digest = f"sha256:{'ab' * 32}"
    image = {"repository": "r.example/pipeline"}
    for given, reference in (
        ({}, f"r.example/pipeline:{__version__}"),
        ({"tag": "7"}, "r.example/pipeline:7"),
        ({"tag": "7", "digest": digest}, f"r.example/pipeline@{digest}"),
    ):
        objects = render({"images": {**MINIMAL["images"], "pipeline": image | given}})
        for pod in pods(objects):
            assert pod["containers"][0]["image"] == reference
            assert {"name": "FIMSMITH_IMAGE_PIPELINE", "value": reference} in pod["containers"][0]["env"]


def test_names_and_labels_stay_within_63_characters(render: Render):
    long = "a-release-whose-name-is-as-long-as-helm-permits-53-ch"
    assert len(long) == 53
    objects = render(with_values(nameOverride="an-unusually-long-name-for-an-installation-of-the-chart"), long)
    for item in objects.values():
        metadata = item["metadata"]
        assert len(metadata["name"]) <= 63
        assert not metadata["name"].endswith("-")
        assert max(map(len, metadata["labels"].values())) <= 63
    assert len({name for name in objects if "/a-release" in name}) == len(objects) - 2  # the two fixed accounts


def test_the_runner_gets_the_rights_that_the_doctor_asks_for_and_no_more(render: Render):
    objects = render(MINIMAL)
    assert objects["Role/fimsmith-runner"]["rules"] == rights.rules()
    (subject,) = objects["RoleBinding/fimsmith-runner"]["subjects"]
    assert subject == {"kind": "ServiceAccount", "name": "pipeline-runner", "namespace": "ml"}


def test_the_sandbox_has_no_network_and_no_account_has_a_token(render: Render):
    objects = render(CHART / "ci/eks-values.yaml")
    policy = objects["NetworkPolicy/fimsmith-sandbox"]["spec"]
    assert policy == {
        "podSelector": {"matchLabels": {"fimsmith.dev/sandbox": "true"}},
        "policyTypes": ["Ingress", "Egress"],
    }
    for name in ("job", "sandbox"):
        assert objects[f"ServiceAccount/fimsmith-{name}"]["automountServiceAccountToken"] is False
    role = objects["ServiceAccount/fimsmith-job"]["metadata"]["annotations"]["eks.amazonaws.com/role-arn"]
    assert role == "arn:aws:iam::111122223333:role/fimsmith-job"
    assert "annotations" not in objects["ServiceAccount/fimsmith-sandbox"]["metadata"]


def test_accounts_that_exist_already_are_left_alone(render: Render):
    accounts = {"job": {"create": False}, "sandbox": {"create": False}}
    objects = render(with_values(serviceAccounts=accounts, register={"serviceAccount": "default-editor"}))
    assert not [name for name in objects if name.startswith("ServiceAccount/")]


def test_without_registration_nothing_of_kubeflow_is_called(render: Render):
    objects = render(with_values(register={"enabled": False}))
    assert not [item for item in objects.values() if item["kind"] == "Job"]


def test_only_a_schedule_costs_a_pod_at_the_end(render: Render):
    def completions(**changes: Any) -> int:
        return render(with_values(**changes))["pre-delete:Job/fimsmith-register"]["spec"]["completions"]

    assert completions() == 0
    assert completions(schedule={"cron": "0 0 3 * * 1"}) == 1


def test_the_schedule_reaches_the_registration(render: Render):
    job = render(CHART / "ci/eks-values.yaml")["post-install:Job/fimsmith-register"]
    arguments = job["spec"]["template"]["spec"]["containers"][0]["args"]
    assert {"--cron=0 0 3 * * 1", "--experiment=weekly", "--account=default-editor"} <= set(arguments)
    assert "--name=company-java" in arguments


def test_the_notes_name_all_that_a_submission_from_a_laptop_takes(notes: Callable[..., str]):
    told = notes(MINIMAL)
    assert f"export FIMSMITH_IMAGE_PIPELINE=r.example/pipeline:{__version__} FIMSMITH_SECRET=fimsmith-s3\n" in told
    assert f"submit CONFIG.yaml --watch -n ml --set run.kubernetes.image=r.example/train:{__version__}\n" in told
    assert "svc/ml-pipeline-ui 8888:80 &" in told
    own = with_values(
        objectStore={"existingSecret": "keys"}, serviceAccounts={"job": {"name": "worker"}}, imagePullSecrets=["a", "b"]
    )
    changes = (
        "--set run.kubernetes.service_account=worker --set run.kubernetes.secret=keys "
        "--set 'run.kubernetes.pull_secrets=[a,b]'"
    )
    assert "FIMSMITH_SECRET=keys\n" in notes(own)
    assert changes in notes(own)
    without = notes({**own, "register": {"enabled": False}})
    assert "--launcher pytorchjob --set run.kubernetes.namespace=ml --set run.kubernetes.image=" in without
    assert changes in without


def test_chart_and_library_have_one_version():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert chart["appVersion"] == __version__
    assert "dependencies" not in chart
