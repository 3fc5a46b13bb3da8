"""Runs on a real Kubeflow Pipelines back end: the demo as the README starts it, and what goes wrong in a run.

conftest.py says what it needs. The tests run in their order, and on one worker: each starts from what the first run left.
FIMSMITH_TEST_TERMINATIONS: how often runs are terminated, one at each moment (default: once).
"""

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from kfp_run import FIMSMITH, MINUTES, NAMESPACE, dead_webhook, end, job_pods, jobs, kubectl, manifests, training, until

from fimsmith import configfile, storage

pytestmark = [pytest.mark.cluster, pytest.mark.slow]
Start = Callable[..., str]
MOMENTS = ("made", "running", "training")


def test_the_demo_ends_succeeded_with_everything_in_s3(first: Any, configuration: Path):
    assert first.state == "SUCCEEDED"
    assert (first.finished_at - first.created_at).total_seconds() < 60 * MINUTES
    made = manifests(configuration)
    assert {stage: len(each) for stage, each in made.items()} == {
        "ingest": 3, "curate": 1, "fim": 2, "mix": 1, "train": 1, "evaluate": 2, "gate": 1, "export": 1, "report": 1
    }  # fmt: skip
    export = made["export"][0]
    files = storage.list_files(export["uri"])
    assert {name: files[name][0] for name in export["files"]} == export["files"]
    assert "model/model.safetensors" in files


def test_the_training_was_one_job_of_two_pods(first: Any, configuration: Path):
    (train,) = manifests(configuration)["train"]
    log = (storage.read(f"{train['uri']}/log/train.log") or b"").decode()
    assert "on 2 processes" in log
    assert re.search(r"checkpoint at step \d+", log)


def test_the_report_is_an_html_artifact_of_the_run(first: Any, configuration: Path):
    bucket = configfile.load(configuration).run.root.split("/")[2]
    pages = [
        name
        for name in storage.list_files(f"s3://{bucket}/v2/artifacts")
        if first.run_id in name and name.endswith("/page")
    ]
    assert len(pages) == 1
    assert (storage.read(f"s3://{bucket}/v2/artifacts/{pages[0]}") or b"").startswith(b"<!doctype html>")


def test_nothing_is_left_of_the_jobs(first: Any):
    assert jobs() == []
    assert job_pods() == []


def test_an_identical_run_is_served_from_what_exists_and_submit_shows_it(first: Any, configuration: Path):
    before = manifests(configuration)
    command = [FIMSMITH, "submit", str(configuration), "--watch", "-n", NAMESPACE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the run has succeeded" in done.stdout
    assert manifests(configuration) == before


@pytest.fixture
def begin(first: Any, start: Start, client: Any) -> Iterator[Start]:
    """Start runs that begin with the training, because the data is there; those that a test leaves are ended."""
    assert first.state == "SUCCEEDED"
    begun = []

    def note(*changes: str) -> str:
        begun.append(start(*changes))
        return begun[-1]

    yield note
    for run in begun:
        if client.get_run(run).state not in ("SUCCEEDED", "FAILED"):
            client.terminate_run(run)
            end(client, run)


def rate(number: int) -> str:
    """A learning rate that no other test has, so that no other test's training is found."""
    return f"train.learning_rate={0.0011 + number / 1e6:.6f}"


def step_pod(run: str, stage: str) -> str | None:
    """The pod of a run's step that runs now."""
    for pod in json.loads(kubectl("get", "pods", "-l", f"pipeline/runid={run}", "-o", "json"))["items"]:
        node = pod["metadata"]["annotations"].get("workflows.argoproj.io/node-name", "")
        if re.search(rf"\.{stage}(?:\(\d+\))?\.executor", node) and pod["status"]["phase"] == "Running":
            return pod["metadata"]["name"]
    return None


def log_of_training(configuration: Path, change: str) -> str:
    """What the training with this learning rate has printed, as its result holds it."""
    root, wanted = configfile.load(configuration).run.root, float(change.partition("=")[2])
    for name in storage.list_files(root):
        if name.startswith("train/") and name.endswith("log/job.json"):
            spec = json.loads(storage.read(f"{root}/{name}") or b"")
            if spec["section"]["learning_rate"] == wanted:
                return (storage.read(f"{root}/{name.removesuffix('job.json')}train.log") or b"").decode()
    pytest.fail(f"no training with {change}")


def message(run: str) -> str:
    """What `fimsmith watch` says of a run that fails."""
    watching = subprocess.run(
        [FIMSMITH, "watch", run, "-n", NAMESPACE], capture_output=True, text=True, check=False, timeout=900
    )
    print(watching.stdout, watching.stderr)
    assert watching.returncode == 1
    return watching.stderr


def test_another_learning_rate_redoes_the_training_which_outlives_its_steps_pod_and_a_killed_worker(
    begin: Start, client: Any, configuration: Path
):
    before = manifests(configuration)
    change = [rate(0), "train.max_steps=240"]
    run = begin(*change)
    name = training(run, "checkpoint at step 20")
    made = kubectl("get", "pytorchjob", name, "-o", "jsonpath={.metadata.uid}")
    pod = until("the step's pod", lambda: step_pod(run, "train"), 30)
    kubectl("delete", "pod", pod)
    time.sleep(5)
    assert kubectl("get", "pytorchjob", name, "-o", "jsonpath={.metadata.uid}") == made

    def over() -> bool:  # a restarted step, or the end of the run
        return client.get_run(run).state == "FAILED" or step_pod(run, "train") not in (None, pod)

    until("what KFP does about a deleted pod", over, 120)
    if client.get_run(run).state == "FAILED":
        run = begin(*change)
    following = f"job {name} in namespace {NAMESPACE} is there already: following it"
    until("a step that follows the job", lambda: following in step_log(run), 120)
    assert kubectl("get", "pytorchjob", name, "-o", "jsonpath={.metadata.uid}") == made

    kubectl("delete", "pod", f"{name}-worker-1", "--grace-period=0", "--force")
    assert end(client, run).state == "SUCCEEDED"
    begun = re.search(r"on 2 processes, from step (\d+)", log_of_training(configuration, rate(0)))
    assert begun, "the training did not go on at a checkpoint"
    assert int(begun[1]) >= 20
    after = manifests(configuration)
    for stage in ("ingest", "curate", "fim", "mix"):
        assert after[stage] == before[stage]
    assert {stage: len(after[stage]) for stage in ("train", "evaluate", "export", "report")} == {
        "train": 2, "evaluate": 3, "export": 2, "report": 2
    }  # fmt: skip


def step_log(run: str) -> str:
    pod = step_pod(run, "train")
    return kubectl("logs", pod, "-c", "main", check=False) if pod else ""


@pytest.mark.parametrize("round", range(int(os.environ.get("FIMSMITH_TEST_TERMINATIONS", "1"))))
def test_terminated_runs_leave_no_job_and_no_pods(begin: Start, client: Any, round: int):
    def terminate(run: str, moment: str) -> None:
        name = training(run) if moment == "training" else until("a job", lambda: jobs(run), 300)[0]["metadata"]["name"]
        if moment == "running":
            until("a pod that runs", lambda: any(p["status"]["phase"] == "Running" for p in job_pods(name)), 120)
        begun = time.monotonic()
        subprocess.run([FIMSMITH, "stop", run], check=True)
        until("the job's end", lambda: not jobs(run) and not job_pods(name), 60)
        print(f"terminated when {moment}: gone after {time.monotonic() - begun:.1f} s")
        assert end(client, run).state == "FAILED"
        assert "the run was terminated" in message(run)
        assert not jobs(run)

    rates = (rate(100 + len(MOMENTS) * round + number) for number in range(len(MOMENTS)))
    runs = [begin(each, "train.max_steps=2000") for each in rates]
    with ThreadPoolExecutor() as pool:
        list(pool.map(terminate, runs, MOMENTS))


@pytest.fixture
def wrong_keys() -> Iterator[str]:
    name = "fimsmith-s3-wrong"
    keys = {"AWS_ACCESS_KEY_ID": os.environ["AWS_ACCESS_KEY_ID"], "AWS_SECRET_ACCESS_KEY": "none of the store's"}
    keys |= {"AWS_ENDPOINT_URL": os.environ["FIMSMITH_TEST_S3"], "AWS_REGION": "us-east-1"}
    kubectl("delete", "secret", name, "--ignore-not-found")
    kubectl("create", "secret", "generic", name, *(f"--from-literal={key}={value}" for key, value in keys.items()))
    yield name
    kubectl("delete", "secret", name)


def test_what_cannot_run_fails_with_one_message_that_names_cause_and_fix(
    begin: Start, configuration: Path, wrong_keys: str
):
    nowhere = [rate(5), "run.kubernetes.node_selector={nothing: here}", "run.kubernetes.patience=20"]
    submitted = subprocess.Popen(
        [FIMSMITH, "submit", str(configuration), "--watch", "-n", NAMESPACE, *(f"--set={each}" for each in nowhere)],
        stderr=subprocess.PIPE,
        text=True,
    )
    runs = {
        "memory": begin(rate(2), "run.kubernetes.memory=200Mi"),
        "image": begin(rate(3), "run.kubernetes.image=localhost/there-is-none:1", "run.kubernetes.patience=20"),
        "keys": begin(rate(4), f"run.kubernetes.secret={wrong_keys}"),
    }
    said = {what: message(run) for what, run in runs.items()}
    said["node"] = submitted.communicate(timeout=900)[1]
    assert submitted.returncode == 1
    assert "OOMKilled" in said["memory"]
    assert re.search(r"fix: .*run\.kubernetes\.memory", said["memory"])
    assert "localhost/there-is-none:1" in said["image"]
    assert "fix: " in said["image"]
    assert "SignatureDoesNotMatch" in said["keys"]
    assert f"delete secret {wrong_keys}" in said["keys"]
    assert os.environ["AWS_SECRET_ACCESS_KEY"] not in said["keys"]
    assert "run.kubernetes.node_selector" in said["node"]
    assert jobs() == []
    assert job_pods() == []


@pytest.fixture
def no_operator() -> Iterator[None]:
    kind = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration"}
    hook = {**kind, "metadata": {"name": "fimsmith-test-operator"}, "webhooks": [dead_webhook(NAMESPACE)]}
    subprocess.run(["kubectl", "apply", "-f", "-"], input=json.dumps(hook), text=True, check=True)
    time.sleep(2)  # the API server looks after its webhooks once a second
    yield
    kubectl("delete", "validatingwebhookconfiguration", "fimsmith-test-operator")
    time.sleep(2)


def test_a_missing_operator_is_named(begin: Start, no_operator: None):
    said = message(begin(rate(6)))
    assert "operator" in said
    assert "fix: " in said
    assert jobs() == []
