"""The trial pod is a job in small, is always deleted, and its end becomes one cause and one fix."""

import json
import signal
from typing import Any

import pytest
from recorded import NODE, only, subject

from fimsmith import __version__
from fimsmith.doctor import jobs
from fimsmith.launch.answers import Refused

NODES = {"/api/v1/nodes": {"items": [NODE]}}
SOUND = {"python": "3.11.9", "fimsmith": __version__, "store": {"code": "ok", "message": "write, read, delete at AWS"}}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(jobs, "_POLL", 0.0)
    monkeypatch.setattr(jobs.uuid, "uuid4", lambda: type("Id", (), {"hex": "0" * 32}))


def state(**states: Any) -> dict[str, Any]:
    return {"status": {"phase": "Pending", "containerStatuses": [{"state": states}]}}


def told(words: dict[str, Any]) -> dict[str, Any]:
    return state(terminated={"exitCode": 0, "message": json.dumps(words)})


def tried(*states: Any, made: Any = None, **settings: Any):
    answers = {**NODES, "/fimsmith-doctor-00000000": list(states), "/pods": made or {}}
    examined = subject(answers, **settings)
    results = [*jobs.image(examined), *jobs.store(examined)]
    return examined, results


def test_the_pod_passes_the_restricted_standard_and_takes_the_jobs_place():
    examined = subject(NODES, service_account="me", pull_secrets=["registry"], node_selector={"gpu": "yes"})
    spec = jobs.pod(examined)["spec"]
    container = spec["containers"][0]
    assert spec["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert not container["securityContext"]["allowPrivilegeEscalation"]
    assert not spec["automountServiceAccountToken"]
    assert spec["serviceAccountName"] == "me"
    assert spec["imagePullSecrets"] == [{"name": "registry"}]
    assert spec["nodeSelector"] == {"gpu": "yes"}
    assert container["envFrom"] == [{"secretRef": {"name": "fimsmith-s3", "optional": True}}]


def test_the_pod_asks_for_no_node_that_is_not_up():
    assert "nodeSelector" not in jobs.pod(subject(NODES, node_selector={"gpu": "h100"}))["spec"]


def test_a_sound_image_and_store_are_good():
    _, results = tried({"status": {"phase": "Pending"}}, told(SOUND))
    assert [result.ok for result in results] == [True, True]


@pytest.mark.parametrize(("found", "words"), [(None, "holds no fimsmith"), ("0.0.1", "holds fimsmith 0.0.1")])
def test_an_image_of_another_version_is_a_fault(found: str | None, words: str):
    _, (image, _) = tried(told({**SOUND, "fimsmith": found}))
    assert image.ok is False
    assert words in image.text


def test_a_failed_pull_tells_the_registrys_words():
    first = state(waiting={"reason": "ErrImagePull", "message": "manifest unknown"})
    later = state(waiting={"reason": "ImagePullBackOff", "message": "Back-off pulling image"})
    examined, (image, store) = tried(first, later)
    assert image.ok is False
    assert "manifest unknown" in image.text
    assert store.ok is None
    assert examined.api.asked[-1][0] == "DELETE"


def test_an_image_without_python_is_a_fault():
    _, (image, _) = tried(state(terminated={"exitCode": 128, "message": 'exec: "python3": not found'}))
    assert "does not run python: exit code 128" in image.text


def test_a_pod_without_a_node_ends_at_the_patience():
    waits = {"status": {"phase": "Pending", "conditions": [{"reason": "Unschedulable", "message": "0/1 nodes"}]}}
    _, (image, _) = tried(waits, patience=0.001)
    assert image.ok is False
    assert "0/1 nodes" in image.text


@pytest.mark.parametrize(
    ("message", "ok", "words"),
    [
        ('pods "x" is forbidden: error looking up service account ml/me: not found', False, "does not exist"),
        ('pods is forbidden: User "x" cannot create resource "pods" in API group ""', None, "not allowed to start"),
        ('pods "x" is forbidden: exceeded quota: team, requested: pods=1', False, "exceeded quota"),
    ],
)
def test_a_pod_that_cannot_be_made_is_told_apart(message: str, ok: bool | None, words: str):
    _, (image, store) = tried(made=Refused(403, message))
    assert image.ok is ok
    assert words in image.text
    assert store.ok is None


@pytest.mark.parametrize(
    ("code", "fix"),
    [
        ("NoSuchBucket", "aws s3 mb s3://bucket"),
        ("InvalidAccessKeyId", "create secret generic fimsmith-s3"),
        ("SignatureDoesNotMatch", "create secret generic fimsmith-s3"),
        ("AccessDenied", "s3:PutObject"),
        ("EndpointConnectionError", "AWS_ENDPOINT_URL"),
        ("RequestTimeTooSkewed", "clock"),
        ("NoModule", "make images"),
    ],
)
def test_every_failure_of_the_store_has_its_own_fix(code: str, fix: str):
    _, (_, store) = tried(told({**SOUND, "store": {"code": code, "message": "cannot write", "endpoint": "AWS"}}))
    assert store.ok is False
    assert fix in store.fix


def test_a_root_that_pods_do_not_see_is_a_fault():
    examined = subject(NODES, root="/data")
    assert only(jobs.store(examined)).ok is False


def test_the_pod_goes_with_the_process_that_a_signal_ends():
    examined = subject({**NODES, "/fimsmith-doctor-00000000": {"status": {"phase": "Pending"}}, "/pods": {}})
    answer = examined.api.request

    def request(method: str, path: str, body: Any = None, **query: Any) -> Any:
        if method == "GET" and path.endswith("/fimsmith-doctor-00000000"):
            signal.raise_signal(signal.SIGTERM)
        return answer(method, path, body, **query)

    examined.api.request = request
    with pytest.raises(SystemExit) as caught:
        list(jobs.image(examined))
    assert caught.value.code == 143
    assert examined.api.asked[-1][:2] == ("DELETE", "/api/v1/namespaces/ml/pods/fimsmith-doctor-00000000")
