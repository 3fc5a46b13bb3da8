"""The chart on a real cluster: what it refuses, what it makes, what it registers, and that nothing is left.

KUBECONFIG names the cluster; FIMSMITH_IMAGE_PIPELINE is an image of this version that it has. Registration and schedule
need KFP_ENDPOINT, where this machine reaches Kubeflow Pipelines, which pods reach at KFP_TEST_POD_ENDPOINT.
"""

import json
import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.cluster
PROBE = (Path(__file__).parent / "sandbox_probe.py").read_text(encoding="utf-8")
CHART = Path(__file__).parents[2] / "charts/fimsmith"
IMAGE = os.environ.get("FIMSMITH_IMAGE_PIPELINE", "")
INSIDE = os.environ.get("KFP_TEST_POD_ENDPOINT", "http://ml-pipeline.kubeflow:8888")
METADATA = "169.254.169.254:80"  # a cloud's instance metadata, which hands out the node's role
KINDS = "jobs,pods,configmaps,secrets,serviceaccounts,roles,rolebindings,networkpolicies"
WHOLE = {
    "run": {"root": "s3://bucket/root"},
    "model": {"path": "s3://bucket/model"},
    "sources": [{"name": "business", "location": "/opt/fimsmith/examples/shop"}],
    "mix": {"weights": {"business": 1}},
}
Run = Callable[..., subprocess.CompletedProcess[str]]


def command(*arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments, capture_output=True, text=True, check=False, input=given)


@pytest.fixture(scope="module")
def namespace() -> Iterator[str]:
    """A namespace under the restricted standard, with Kubeflow's account."""
    if missing := [name for name in ("KUBECONFIG", "FIMSMITH_IMAGE_PIPELINE") if not os.environ.get(name)]:
        pytest.skip(f"{', '.join(missing)} not set")
    if (asked := command("kubectl", "version")).returncode:
        pytest.skip(f"the cluster that KUBECONFIG names does not answer: {asked.stderr}")
    name = f"fims-chart-{uuid.uuid4().hex[:6]}"
    for step in (
        ("create", "namespace", name),
        ("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted"),
        ("-n", name, "create", "serviceaccount", "pipeline-runner"),
    ):
        assert (done := command("kubectl", *step)).returncode == 0, done.stderr
    yield name
    command("kubectl", "delete", "namespace", name, "--wait=false")


@pytest.fixture
def kubectl(namespace: str) -> Callable[..., str]:
    """Run kubectl in the namespace and return what it prints."""

    def run(*arguments: str, given: str | None = None) -> str:
        done = command("kubectl", "-n", namespace, *arguments, given=given)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def helm(namespace: str, tmp_path: Path) -> Iterator[Run]:
    """Run helm on a release that is gone after the test."""
    releases = set()

    def run(verb: str, release: str, *arguments: str, **values: Any) -> subprocess.CompletedProcess[str]:
        line = ["helm", verb, release]
        if verb in ("install", "upgrade"):
            releases.add(release)
            (tmp_path / "values.yaml").write_text(yaml.safe_dump(basic() | values), encoding="utf-8")
            line += [str(CHART), "-f", str(tmp_path / "values.yaml")]
        return command(*line, "-n", namespace, *arguments)

    yield run
    for release in releases:
        command("helm", "uninstall", release, "-n", namespace, "--wait", "--ignore-not-found")


def basic() -> dict[str, Any]:
    repository, _, tag = IMAGE.rpartition(":")
    small = {"requests": {"cpu": "10m", "memory": "128Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}}
    return {
        "images": {
            "pipeline": {"repository": repository, "tag": tag},
            "train": {"repository": "localhost/train", "tag": "1"},
        },
        "kfp": {"endpoint": INSIDE},
        "hooks": {"resources": small},
        "register": {"enabled": False},
    }


@pytest.fixture(scope="module")
def client() -> Any:
    """A client of the real Kubeflow Pipelines."""
    if not os.environ.get("KFP_ENDPOINT"):
        pytest.skip("KFP_ENDPOINT is not set: no Kubeflow Pipelines to register with")
    from kfp import Client

    return Client(host=os.environ["KFP_ENDPOINT"])


@pytest.fixture
def pipeline(client: Any) -> Iterator[str]:
    """A name for a pipeline, which is deleted afterwards."""
    name = f"chart-test-{uuid.uuid4().hex[:6]}"
    yield name
    if known := client.get_pipeline_id(name):
        for version in versions(client, name):
            client.delete_pipeline_version(known, version.pipeline_version_id)
        client.delete_pipeline(known)


def versions(client: Any, name: str) -> list[Any]:
    found = client.list_pipeline_versions(client.get_pipeline_id(name), page_size=50, sort_by="created_at")
    return found.pipeline_versions or []


def schedules(client: Any, name: str) -> list[Any]:
    every = client.list_recurring_runs(page_size=100).recurring_runs or []
    return [each for each in every if each.display_name == f"{name}-schedule"]


def left(kubectl: Callable[..., str], release: str) -> list[str]:
    return kubectl("get", KINDS, "-l", f"app.kubernetes.io/instance={release}", "-o", "name").split()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"replicas": 3}, "additional properties 'replicas' not allowed"),
        ({"images": {"train": {"repository": "r"}}}, "at '/images/pipeline': missing property 'repository'"),
        ({"kfp": {"namespace": 3}}, "at '/kfp/namespace': got number, want string"),
        ({"config": {"train": {"lerning_rate": 1}}}, "additional properties 'lerning_rate' not allowed"),
    ],
)
def test_values_that_are_wrong_are_refused_by_name_and_nothing_is_installed(
    helm: Run, kubectl: Callable[..., str], values: dict[str, Any], message: str
):
    done = helm("install", "refused", **values)
    assert done.returncode != 0
    assert message in done.stderr
    assert left(kubectl, "refused") == []
    assert "refused" not in kubectl("get", "secrets", "-o", "name")


def test_the_runner_may_do_what_the_steps_need_and_no_more(helm: Run, namespace: str):
    assert (done := helm("install", "rights")).returncode == 0, done.stderr
    listed = command(
        "kubectl", "auth", "can-i", "--list", "--no-headers", "-n", namespace,
        f"--as=system:serviceaccount:{namespace}:pipeline-runner",
    ).stdout  # fmt: skip
    given = {}
    for line in listed.splitlines():
        resource, verbs = line.split()[0], re.findall(r"\[([^\]]*)\]$", line)[0]
        if not resource.startswith("[") and not resource.endswith("reviews.authentication.k8s.io"):
            given[resource] = set(verbs.split())
    everybody = {name: verbs for name, verbs in given.items() if name.endswith("authorization.k8s.io")}
    assert {name: verbs for name, verbs in given.items() if name not in everybody} == {
        "pytorchjobs.kubeflow.org": {"create", "get", "patch", "delete"},
        "pods": {"get", "list", "delete", "deletecollection"},
        "pods/log": {"get"},
        "events": {"list"},
        "workflows.argoproj.io": {"get", "watch"},
    }
    for account in ("fimsmith-job", "fimsmith-sandbox"):
        may = command("kubectl", "auth", "can-i", "get", "pods", "-n", namespace,
                      f"--as=system:serviceaccount:{namespace}:{account}")  # fmt: skip
        assert may.stdout.strip() == "no"


def pod(name: str, arguments: list[str], labels: dict[str, str]) -> str:
    container = {
        "name": "main",
        "image": IMAGE,
        "command": ["python", "-c", PROBE, *arguments],
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    spec = {
        "serviceAccountName": "fimsmith-sandbox",
        "terminationGracePeriodSeconds": 0,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
    }
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": spec})


def phase(kubectl: Callable[..., str], name: str) -> str:
    return kubectl("get", "pod", name, "-o", "jsonpath={.status.phase}")


def told(kubectl: Callable[..., str], name: str) -> dict[str, Any]:
    """Wait for what a probing pod says."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if phase(kubectl, name) == "Running" and (text := kubectl("logs", name)):
            return json.loads(text)
        time.sleep(0.5)
    pytest.fail(f"{name} says nothing")


def test_a_sandboxed_pod_reaches_nothing_is_reached_by_nothing_and_has_no_token(helm: Run, kubectl: Callable[..., str]):
    assert (done := helm("install", "sandbox")).returncode == 0, done.stderr
    service = json.loads(command("kubectl", "get", "service", "kubernetes", "-n", "default", "-o", "json").stdout)[
        "spec"
    ]
    targets = [f"{service['clusterIP']}:443"]
    store = re.fullmatch(
        r"https?://([^:/]+):(\d+)/?", os.environ.get("FIMSMITH_TEST_S3", "http://minio-service.kubeflow:9000")
    )
    assert store
    kubectl("apply", "-f", "-", given=pod("peer", [], {}))
    kubectl("wait", "--for=condition=Ready", "pod/peer", "--timeout=60s")
    find = f"import socket; print(socket.gethostbyname({store[1]!r}))"
    targets.append(f"{kubectl('exec', 'peer', '--', 'python', '-c', find).strip()}:{store[2]}")
    targets.append(f"{kubectl('get', 'pod', 'peer', '-o', 'jsonpath={.status.podIP}')}:8000")
    kubectl("apply", "-f", "-", given=pod("free", targets, {}))
    forbidden = [*targets, METADATA]
    kubectl("apply", "-f", "-", given=pod("closed", forbidden, {"fimsmith.dev/sandbox": "true"}))
    try:
        closed = told(kubectl, "closed")
        assert closed == {"reached": dict.fromkeys(forbidden, False), "token": False}
        address = kubectl("get", "pod", "closed", "-o", "jsonpath={.status.podIP}")
        knock = f"import socket; socket.create_connection(({address!r}, 8000), 2)"
        with pytest.raises(AssertionError, match=r"timed out|Timeout"):
            kubectl("exec", "peer", "--", "python", "-c", knock)
        # the same pod without the label: what is out of reach above is there (the metadata only in a cloud)
        assert told(kubectl, "free")["reached"] == dict.fromkeys(targets, True)
    finally:
        kubectl("delete", "pods", "peer", "free", "closed", "--wait=false")


def test_a_release_is_installed_upgraded_rolled_back_and_removed_without_a_trace(
    helm: Run, kubectl: Callable[..., str], client: Any, pipeline: str
):
    values = {"register": {"pipelineName": pipeline}}
    assert (done := helm("install", "whole", **values)).returncode == 0, done.stderr
    (first,) = versions(client, pipeline)
    assert first.pipeline_version_id in done.stdout + done.stderr
    changed = {**values, "config": {"train": {"learning_rate": 1e-4}}}
    assert (done := helm("upgrade", "whole", **changed)).returncode == 0, done.stderr
    assert len(versions(client, pipeline)) == 2
    assert (done := helm("upgrade", "whole", **changed)).returncode == 0, done.stderr
    assert (done := helm("rollback", "whole", "1")).returncode == 0, done.stderr
    assert len(versions(client, pipeline)) == 2
    assert first.pipeline_version_id in done.stdout + done.stderr
    assert [name for name in left(kubectl, "whole") if name.startswith(("job", "pod"))] == []
    assert (done := helm("uninstall", "whole", "--wait")).returncode == 0, done.stderr
    assert left(kubectl, "whole") == []


def test_the_notes_print_a_command_that_starts_a_run(helm: Run, client: Any, pipeline: str, tmp_path: Path):
    done = helm("install", "notes", register={"pipelineName": pipeline}, config=WHOLE)
    assert done.returncode == 0, done.stderr
    lines = [line.strip() for line in done.stdout.splitlines() if line.startswith(("  VERSION=", "  kfp run create"))]
    script = "\n".join(["set -e", *lines[-2:]])
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": path},
        cwd=tmp_path,
    )
    assert ran.returncode == 0, ran.stderr
    newest = client.list_runs(page_size=1, sort_by="created_at desc").runs[0]
    client.terminate_run(newest.run_id)
    assert newest.pipeline_version_reference.pipeline_id == client.get_pipeline_id(pipeline)


def test_a_schedule_is_made_changed_and_removed_with_the_release(helm: Run, client: Any, pipeline: str):
    values = {"register": {"pipelineName": pipeline}, "config": WHOLE}
    done = helm("install", "timed", **values, schedule={"cron": "0 0 3 1 1 *", "experiment": "chart-test"})
    assert done.returncode == 0, done.stderr
    (before,) = schedules(client, pipeline)
    done = helm("upgrade", "timed", **values, schedule={"cron": "0 0 4 1 1 *", "experiment": "chart-test"})
    assert done.returncode == 0, done.stderr
    (after,) = schedules(client, pipeline)
    assert (before.trigger.cron_schedule.cron, after.trigger.cron_schedule.cron) == ("0 0 3 1 1 *", "0 0 4 1 1 *")
    assert helm("uninstall", "timed", "--wait").returncode == 0
    assert schedules(client, pipeline) == []


def test_a_registration_that_fails_says_why_stays_to_be_looked_at_and_goes_with_the_release(
    helm: Run, kubectl: Callable[..., str]
):
    done = helm("install", "lost", kfp={"endpoint": "http://127.0.0.1:1"}, register={"enabled": True, "wait": 1})
    assert done.returncode != 0
    assert "does not answer at http://127.0.0.1:1" in done.stdout + done.stderr
    assert "job.batch/lost-fimsmith-register" in left(kubectl, "lost")
    assert helm("uninstall", "lost", "--wait").returncode == 0
    end = time.monotonic() + 30
    while remaining := left(kubectl, "lost"):  # the failed pod goes after its job
        assert time.monotonic() < end, remaining
        time.sleep(0.5)


def doctor(helm: Run, kubectl: Callable[..., str], **values: Any) -> tuple[int, str]:
    """What `helm test` says, by its status and text."""
    assert helm("install", "tested", **values).returncode == 0
    done = helm("test", "tested")
    assert [name for name in left(kubectl, "tested") if name.startswith("pod/")] == []
    said = done.stdout + done.stderr
    assert "may start, follow and delete PyTorchJobs" in said
    return done.returncode, said


def test_helm_test_runs_the_doctor_without_kubeflow_pipelines(helm: Run, kubectl: Callable[..., str]):
    status, said = doctor(helm, kubectl, kfp={"endpoint": ""})
    assert status == 0, said
    assert "KFP_ENDPOINT is not set" in said


def test_helm_test_finds_kubeflow_pipelines(helm: Run, kubectl: Callable[..., str], client: Any):
    status, said = doctor(helm, kubectl)
    assert status == 0, said
    assert f"single-user, at {INSIDE}" in said


def test_helm_test_fails_where_kubeflow_pipelines_does_not_answer(helm: Run, kubectl: Callable[..., str]):
    status, said = doctor(helm, kubectl, kfp={"endpoint": "http://127.0.0.1:1"})
    assert status != 0
    assert "http://127.0.0.1:1 does not answer" in said
    assert "kfp.endpoint" in said
