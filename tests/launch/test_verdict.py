"""fimsmith.launch.verdict and refusal: what the states of a real cluster mean."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
import urllib3
from kubernetes.client import ApiException

from fimsmith import config
from fimsmith.launch import refusal, verdict, waiting
from fimsmith.launch.answers import RequestError, answered

SETTINGS = config.Kubernetes(memory="64Gi", shm="16Gi", disk="200Gi", image="hub/train:1", gpus=8)
DONE = {"terminated": {"exitCode": 0, "reason": "Completed"}}


def pod(main: dict[str, Any], fetch: dict[str, Any] = DONE, **status: Any) -> dict[str, Any]:
    """A pod as the API server returns it, cut to what counts."""
    kind, index = status.pop("replica", "worker-1").split("-")
    labels = {"training.kubeflow.org/replica-type": kind, "training.kubeflow.org/replica-index": index}
    containers = [{"name": "pytorch", "image": "hub/train:1", "resources": {"limits": {"memory": "64Gi"}}}]
    return {
        "metadata": {"name": f"job-{kind}-{index}", "labels": labels | {"fimsmith.dev/stage": "train"}},
        "spec": {
            "nodeName": "node-7",
            "containers": containers,
            "initContainers": [containers[0] | {"name": "fetch"}],
        },
        "status": {
            "phase": "Failed",
            "initContainerStatuses": [{"name": "fetch", "state": fetch}],
            "containerStatuses": [{"name": "pytorch", "state": main}],
            **status,
        },
    }


def ended(code: int, message: str | None = None, reason: str = "Error") -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "reason": reason, **({"message": message} if message else {})}}


def cause(of: dict[str, Any], log: str = "") -> verdict.Cause:
    found = verdict.failure(of, {"pytorch": log, "fetch": log}, SETTINGS)
    assert found
    return found


@pytest.mark.parametrize("code", [137, 1])
def test_too_little_memory_is_said_with_a_larger_amount(code: int):
    found = cause(pod(ended(code, reason="OOMKilled")), "lost: x")
    assert found.text == f"worker-1 was OOMKilled (exit {code})"
    assert found.notes == ["memory limit 64Gi; /dev/shm (16Gi) and files in it count against it"]
    assert found.fix
    assert found.fix.startswith("run.kubernetes.memory: 96Gi, or lower run.processes or train.micro_batch")
    assert not found.lost


def test_the_jobs_own_words_stand_alone():
    found = cause(pod(ended(1, "no model; set model.path")), "much\nerror: no model; set model.path\nmore\n")
    assert (found.text, found.explained, found.lines) == ("no model; set model.path", True, [])


def test_the_fetching_that_failed_is_told_apart():
    found = cause(pod({"waiting": {"reason": "PodInitializing"}}, ended(1, "no such key")), "error: no such key\n")
    assert found.text == "worker-1 could not fetch its inputs: no such key"


@pytest.mark.parametrize("lines", [3, 400])
def test_a_log_that_kubernetes_took_for_a_message_is_shown_as_a_log(lines: int):
    log = "".join(f"line {number} of the log\n" for number in range(lines))
    found = cause(pod(ended(1, log.encode()[-2048:].decode())), log)
    assert found.text == "worker-1 ended with exit code 1"
    assert found.lines[-1] == f"line {lines - 1} of the log"
    assert not found.explained
    assert not found.lost


def test_the_log_of_a_deleted_pod_is_not_taken_for_the_jobs_own_words():
    of = pod(ended(143, "train     step 3 of 9"))
    of["metadata"]["deletionTimestamp"] = "2026-11-29T16:08:52Z"
    found = cause(of)
    assert (found.text, found.lines) == ("worker-1 ended with SIGTERM", ["train     step 3 of 9"])
    assert found.lost
    assert not found.explained
    of["status"]["containerStatuses"][0]["state"] = ended(1, "lost: rank 3 does not answer")
    assert cause(of).text == "worker-1: lost: rank 3 does not answer"


@pytest.mark.parametrize(
    "gone",
    [
        pod(ended(1, "lost: rank 3 does not answer")),
        pod(ended(137)),
        pod(ended(143)),
        pod(ended(137), reason="Evicted", message="The node was low on resource: memory."),
        pod(ended(137), reason="NodeLost", message="Node node-7 which was running pod is unresponsive"),
        pod(ended(137), reason="Terminated", message="Pod was terminated in response to imminent node shutdown."),
        pod({"waiting": {"reason": "PodInitializing"}}, reason="UnexpectedAdmissionError", message="Allocate failed"),
    ],
)
def test_what_is_lost_may_be_started_again(gone: dict[str, Any]):
    assert cause(gone).lost


def test_a_process_killed_below_torchrun_is_lost_too():
    report = "E0101 00:00:00.0 7 site-packages/torch/distributed/elastic/x.py] failed\n  exitcode  : -9 (pid: 9)\n"
    found = cause(pod(ended(1)), "train     step 3 of 9\n" + report)
    assert found.lost
    assert found.text == "worker-1 ended with SIGKILL"
    assert found.lines == ["train     step 3 of 9"]


@pytest.mark.parametrize(
    ("message", "fix"),
    [
        ('Usage of EmptyDir volume "scratch" exceeds the limit "200Gi".', "run.kubernetes.disk: 300Gi (it is 200Gi)"),
        (
            "Pod ephemeral local storage usage exceeds: local ephemeral storage",
            "run.kubernetes.disk: 300Gi (it is 200Gi)",
        ),
        ('Usage of EmptyDir volume "shm" exceeds the limit "16Gi".', "run.kubernetes.shm: 24Gi (it is 16Gi)"),
    ],
)
def test_a_full_volume_is_not_a_lost_pod(message: str, fix: str):
    found = cause(pod(ended(137), reason="Evicted", message=message))
    assert not found.lost
    assert found.fix == fix


@pytest.mark.parametrize(
    ("size", "larger"), [("64Gi", "96Gi"), ("1Pi", "2Pi"), ("1500M", "2250M"), ("0.5Gi", "1Gi"), ("2e9", "3e9")]
)
def test_more_memory_is_proposed_in_the_unit_that_was_given(size: str, larger: str):
    found = ended(137, reason="OOMKilled")
    killed = pod(found)
    killed["spec"]["containers"][0]["resources"] = {"limits": {"memory": size}}
    assert f"run.kubernetes.memory: {larger}" in (cause(killed).fix or "")


def test_an_image_without_the_command_is_told_as_such():
    found = cause(pod(ended(128, 'exec: "torchrun": executable file not found in $PATH', "StartError")))
    assert found.text.startswith("worker-1 could not start: exec")
    assert "hub/train:1" in (found.fix or "")


def test_the_failure_that_made_the_others_is_chosen():
    lost = cause(pod(ended(1, "lost: a peer"), replica="worker-0"))
    crash = cause(pod(ended(1)))
    memory = cause(pod(ended(137, reason="OOMKilled"), replica="worker-2"))
    said = cause(pod(ended(1, "the model is broken")))
    assert verdict.choose([lost, crash]) == crash
    assert verdict.choose([lost, crash, memory]) == memory
    assert verdict.choose([lost, memory, said, crash]) == said
    assert verdict.choose([]) is None


def test_a_pod_that_is_well_has_not_failed():
    assert verdict.failure(pod({"running": {}}, phase="Running"), {}, SETTINGS) is None
    assert verdict.failure(pod(DONE, phase="Succeeded"), {}, SETTINGS) is None


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ({"reason": "DeadlineExceeded"}, ""),
        ({}, "Job x has failed because it was active longer than specified deadline"),
    ],
)
def test_a_deadline_is_seen_on_the_pod_or_the_job(status: dict[str, Any], message: str):
    job = {"status": {"conditions": [{"type": "Failed", "status": "True", "message": message}]}}
    assert verdict.overdue(job, [pod(ended(137), **status)])
    assert not verdict.overdue({"status": {}}, [pod(ended(137))])


def pending(main: dict[str, Any], **status: Any) -> waiting.Wait:
    found = waiting.waiting(pod(main, phase="Pending", **status), SETTINGS)
    assert found
    return found


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        ("0/9 nodes are available: 9 node(s) didn't match Pod's node affinity/selector.", ["node_selector"]),
        ("0/9 nodes are available: 9 node(s) had untolerated taint {nvidia.com/gpu: true}.", ["tolerations"]),
        ("0/9 nodes are available: 9 Insufficient nvidia.com/gpu.", ["gpus (it is 8)"]),
        ("0/2 nodes are available: 1 Insufficient cpu, 1 Insufficient memory.", ["cpu", "memory (it is 64Gi)"]),
        ("0/2 nodes are available: 2 Insufficient vpc.amazonaws.com/efa.", ["efa"]),
        ("0/2 nodes are available: 2 Insufficient hugepages-2Mi.", ["hugepages"]),
    ],
)
def test_a_pod_without_a_node_names_the_fields_that_ask_for_too_much(message: str, fields: list[str]):
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    wait = pending({}, conditions=[condition])
    assert wait.text == f"worker-1 waits for a node: {message.rstrip('.')}"
    assert wait.limit == SETTINGS.patience
    assert wait.cause.fix
    assert all(f"run.kubernetes.{name}" in wait.cause.fix for name in fields)
    assert wait.cause.fix.count("run.kubernetes.") == len(fields)


@pytest.mark.parametrize(
    "message",
    [
        'failed to resolve "hub/train:1": hub/train:1: not found',
        "rpc error: code = NotFound desc = failed to pull",
        "manifest unknown: manifest unknown",
        "failed to fetch anonymous token: 401 Unauthorized",
        "pull access denied, repository does not exist or may require authorization: authorization failed",
        "unexpected status from HEAD request to https://hub/v2/train: 403 Forbidden",
    ],
)
def test_an_image_that_will_never_come_is_given_up_at_once(message: str):
    assert pending({"waiting": {"reason": "ErrImagePull", "message": message}}).limit == 0


def test_an_image_whose_registry_is_away_is_waited_for_as_long_as_configured():
    away = {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image: i/o timeout"}}
    assert pending(away).limit == SETTINGS.patience
    assert pending(away).cause.text.startswith("image hub/train:1 cannot be pulled: Back-off")
    assert "run.kubernetes.pull_secrets" in (pending(away).cause.fix or "")


def test_a_missing_secret_is_named():
    state = {"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "x" not found'}}
    assert 'secret "x" not found' in pending(state).cause.text


def test_a_pod_that_fetches_waits_for_nothing():
    assert waiting.waiting(pod({"waiting": {}}, {"running": {}}, phase="Pending"), SETTINGS) is None


PLACE: Any = SimpleNamespace(namespace="ml", server="https://api")
HOOK = (
    'Internal error occurred: failed calling webhook "validator.pytorchjob.training-operator.kubeflow.org": failed to call '
    'webhook: Post "https://training-operator.kubeflow.svc:443/validate?timeout=10s": dial tcp 10.96.7.7:443: connect: refused'
)
FORBIDDEN = (
    'pytorchjobs.kubeflow.org is forbidden: User "system:serviceaccount:ml:x" cannot create resource "pytorchjobs" '
    'in API group "kubeflow.org" in the namespace "ml"'
)


def raised(error: Exception) -> RequestError:
    """What becomes of an error of the Kubernetes client."""
    with pytest.raises(RequestError) as caught, answered():
        raise error
    return caught.value


@pytest.mark.parametrize(
    ("status", "body", "text"),
    [
        (404, "404 page not found\n", "this cluster knows no PyTorchJob"),
        (
            404,
            '{"message": "namespaces \\"ml\\" not found"}',
            "there is no namespace ml\n  fix: kubectl create namespace ml",
        ),
        (500, {"message": HOOK}, "does not answer: Internal error occurred: failed calling webhook"),
        (403, {"message": FORBIDDEN}, "fimsmith doctor"),
        (403, {"message": 'pods "x" is forbidden: exceeded quota: q'}, "raise the quota"),
        (
            403,
            {"message": 'admission webhook "v" denied the request: no'},
            'admission webhook "v" denied the request: no',
        ),
        (401, {"message": "Unauthorized"}, "log in again"),
        (422, {"message": "PyTorchJob is invalid: memory"}, "change what the message names"),
    ],
)
def test_a_refusal_names_cause_and_fix(status: int, body: Any, text: str):
    error = ApiException(status=status, reason="no")
    error.body = (body if isinstance(body, str) else json.dumps(body)).encode()
    message = str(refusal.explain("train", raised(error), PLACE, None))
    assert message.startswith("train failed: ")
    assert text in message
    assert "\n  fix: " in message


def test_a_server_that_does_not_answer_is_named_with_its_innermost_reason():
    inner = urllib3.exceptions.NewConnectionError(None, "connection refused")  # type: ignore[arg-type]
    error = urllib3.exceptions.MaxRetryError(None, "/x", inner)  # type: ignore[arg-type]
    message = str(refusal.explain("train", raised(error), PLACE, None))
    assert message.startswith("train failed: no answer from the API server at https://api: ")
    assert "connection refused" in message
    assert "MaxRetry" not in message


def test_a_job_that_cannot_be_deleted_is_named():
    message = str(refusal.explain("train", raised(OSError("no route")), PLACE, "fimsmith-x"))
    assert "job fimsmith-x may go on" in message
