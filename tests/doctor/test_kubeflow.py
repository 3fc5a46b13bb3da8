"""The doctor names what of Kubeflow and Kueue is missing, from the API server's own answers."""

import http.server
import threading
from collections.abc import Iterator

import pytest
from recorded import only, subject

from fimsmith.doctor import kubeflow
from fimsmith.launch.answers import Refused

SERVED = {"resources": [{"name": "pytorchjobs"}]}
WEBHOOK = 'admission webhook "validator.pytorchjob.training-operator.kubeflow.org" denied the request: spec is invalid'
DEAD = 'Internal error occurred: failed calling webhook "validator.pytorchjob": no endpoints available for service'
NO_RIGHT = 'pytorchjobs.kubeflow.org is forbidden: User "x" cannot create resource "pytorchjobs" in API group'
GROUP = {"preferredVersion": {"groupVersion": "kueue.x-k8s.io/v1beta1"}}


def ask_operator(answer: object) -> tuple:
    examined = subject({"/apis/kubeflow.org/v1": SERVED, "/pytorchjobs": answer})
    assert only(kubeflow.kind(examined)).ok
    return examined, only(kubeflow.operator(examined))


def test_a_missing_kind_is_a_fault_that_names_the_installation():
    examined = subject({})
    result = only(kubeflow.kind(examined))
    assert result.ok is False
    assert "trainer.git" in result.fix
    assert only(kubeflow.operator(examined)).ok is None


def test_a_refusal_by_the_webhook_proves_the_operator_without_making_a_job():
    examined, result = ask_operator(Refused(403, WEBHOOK))
    assert result.ok
    method, _, query, _ = examined.api.asked[-1]
    assert (method, query) == ("POST", {"dryRun": "All"})


@pytest.mark.parametrize("answer", [Refused(500, DEAD), {"kind": "PyTorchJob"}])
def test_a_kind_without_a_working_operator_is_a_fault(answer: object):
    assert ask_operator(answer)[1].ok is False


def test_without_the_right_to_make_jobs_the_operator_is_not_judged():
    result = ask_operator(Refused(403, NO_RIGHT))[1]
    assert result.ok is None
    assert "not allowed to look" in result.text


def test_a_launcher_configuration_without_root_is_no_fault():
    assert only(kubeflow.artifacts(subject({}))).ok is None
    found = {"/configmaps/kfp-launcher": {"data": {"defaultPipelineRoot": "s3://b/artifacts"}}}
    result = only(kubeflow.artifacts(subject(found)))
    assert result.ok
    assert "s3://b/artifacts" in result.text


def test_a_queue_without_kueue_is_a_fault():
    assert only(kubeflow.queue(subject({}, queue="gpus"))).ok is False


def test_a_wrong_queue_is_a_fault_that_lists_the_right_ones():
    found = {"/apis/kueue.x-k8s.io": GROUP, "/localqueues": {"items": [{"metadata": {"name": "team"}}]}}
    result = only(kubeflow.queue(subject(found, queue="gpus")))
    assert result.ok is False
    assert "it has team" in result.text


@pytest.mark.parametrize(("status", "ok"), [("True", True), ("False", False)])
def test_a_queue_must_be_active(status: str, ok: bool):
    condition = {"type": "Active", "status": status, "message": "Can't submit: ClusterQueue is missing"}
    found = {"/apis/kueue.x-k8s.io": GROUP, "/localqueues/gpus": {"status": {"conditions": [condition]}}}
    result = only(kubeflow.queue(subject(found, queue="gpus")))
    assert result.ok is ok
    assert ok or "ClusterQueue is missing" in result.text


class _Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status, body = self.server.answer  # type: ignore[attr-defined]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object):
        pass


@pytest.fixture
def kfp(monkeypatch: pytest.MonkeyPatch) -> Iterator[http.server.HTTPServer]:
    server = http.server.HTTPServer(("127.0.0.1", 0), _Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("KFP_ENDPOINT", f"http://127.0.0.1:{server.server_port}/")
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "ok", "words"),
    [
        (200, b'{"tag_name":"2.17.0","multi_user":false}', True, "version 2.17.0, single-user"),
        (200, b'{"apiServerTagName":"2.17.0","apiServerReady":true,"multi_user":true}', True, "2.17.0, multi-user"),
        (200, b'{"apiServerReady":false}', False, "do not reach KFP's API"),
        (200, b"<html>Log in</html>", False, "login page"),
        (401, b"", None, "wants a login"),
        (503, b"", False, "HTTP 503"),
    ],
)
def test_kfp_is_judged_by_what_its_api_or_its_pages_answer(kfp, status: int, body: bytes, ok: bool | None, words: str):
    kfp.answer = (status, body)
    result = only(kubeflow.reachable(subject({})))
    assert result.ok is ok
    assert words in result.text


@pytest.mark.parametrize(("inside", "fix"), [(False, "port-forward"), (True, "kfp.endpoint")])
def test_an_endpoint_where_nobody_listens_is_a_fault(monkeypatch: pytest.MonkeyPatch, inside: bool, fix: str):
    monkeypatch.setenv("KFP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setattr(kubeflow, "inside", lambda: inside)
    result = only(kubeflow.reachable(subject({})))
    assert result.ok is False
    assert fix in result.fix


def test_without_an_endpoint_kfp_is_not_checked(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("KFP_ENDPOINT", raising=False)
    assert only(kubeflow.reachable(subject({}))).ok is None
