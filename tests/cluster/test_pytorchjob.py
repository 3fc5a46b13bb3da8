"""Jobs on a real cluster: how they are followed, how their failures read, and that nothing is left of them.

Needs KUBECONFIG and the training operator. The pods run an image with Python 3.11 or newer, without fimsmith, as a
numeric user (FIMSMITH_TEST_IMAGE, default localhost/kfp-python:3.11); the modules they run come from a ConfigMap.
"""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

import kfp_run
import pytest

from fimsmith import config, storage
from fimsmith.errors import JobError
from fimsmith.launch import Job, kube, pytorchjob, render
from fimsmith.launch.answers import Refused, Unreachable
from fimsmith.launch.placement import Placement
from fimsmith.launch.verdict import condition

pytestmark = pytest.mark.cluster

IMAGE = os.environ.get("FIMSMITH_TEST_IMAGE", "localhost/kfp-python:3.11")
SMALL: dict[str, Any] = {
    "service_account": "default",
    "cpu": "20m",
    "memory": "64Mi",
    "shm": "16Mi",
    "disk": "64Mi",
    "patience": 60,
    "deadline": 300,
    "restarts": 1,
}
IMPORTS = "import os, pathlib, sys, time\n"
Make = Callable[..., tuple[Job, config.Run]]


@pytest.fixture(scope="module")
def cluster() -> Iterator[kube.Cluster]:
    """A namespace of this session's own."""
    if "KUBECONFIG" not in os.environ:
        pytest.skip("KUBECONFIG is not set: no cluster to test on")
    yield from _namespace("baseline")


@pytest.fixture
def restricted(cluster: kube.Cluster) -> Iterator[kube.Cluster]:
    """A namespace under the restricted standard."""
    yield from _namespace("restricted")


def _namespace(level: str) -> Iterator[kube.Cluster]:
    name = f"fims-jobs-{uuid.uuid4().hex[:6]}"
    made = kube.Cluster(name)
    labels = {"pod-security.kubernetes.io/enforce": level}
    try:
        made.request("POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
    except Unreachable as error:
        pytest.skip(f"the cluster that KUBECONFIG names does not answer: {error}")
    until(lambda: made.request("GET", f"/api/v1/namespaces/{name}/serviceaccounts")["items"])
    yield made
    made.request("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture
def make(cluster: kube.Cluster, tmp_path: Path) -> Iterator[Make]:
    """Make a job whose module and whose fetching are the given Python code."""
    made: list[Job] = []

    def build(
        code: str, fetch: str = "", nodes: int = 1, within: kube.Cluster = cluster, **settings: Any
    ) -> tuple[Job, config.Run]:
        name = f"evaluate-{uuid.uuid4().hex[:8]}"
        folder = tmp_path / name
        (folder / "log").mkdir(parents=True)
        files = {"init": "", "fetch": fetch, "work": IMPORTS + code}
        within.request("POST", f"/api/v1/namespaces/{within.namespace}/configmaps", _configmap(name, files))
        paths = {"init": "fimsmith/__init__.py", "fetch": "fimsmith/fetch.py", "work": "work.py"}
        items = [{"key": key, "path": path} for key, path in paths.items()]
        placement = Placement(
            env=[{"name": "PYTHONPATH", "value": "/code"}],
            volumes=[{"name": "code", "configMap": {"name": name, "items": items}}],
            volume_mounts=[{"name": "code", "mountPath": "/code"}],
        )
        destination = str(tmp_path / "root" / name)  # stands for a folder in S3
        job = Job(name, "evaluate", "work", folder, nodes=nodes, destination=destination, placement=placement)
        made.append(job)
        pods = config.Kubernetes(**{"image": IMAGE, **SMALL, "namespace": within.namespace, **settings})
        return job, config.Run(launcher="pytorchjob", nodes=nodes, kubernetes=pods)

    yield build
    for job in made:
        remove(cluster, job, "Background")


def _configmap(name: str, files: dict[str, str]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": files}


def failure(cluster: kube.Cluster, made: tuple[Job, config.Run]) -> str:
    """Run a job that fails; returns its message after checking that nothing is left of it."""
    with pytest.raises(JobError) as caught:
        pytorchjob.run(*made)
    assert left(cluster, made[0]) == (None, [])
    print(caught.value)
    return str(caught.value)


def amend(monkeypatch: pytest.MonkeyPatch, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change the jobs that are made."""
    written = render.manifest

    def amended(*arguments: Any) -> dict[str, Any]:
        made = written(*arguments)
        change(made)
        return made

    monkeypatch.setattr(render, "manifest", amended)


def pod_of(made: dict[str, Any]) -> dict[str, Any]:
    return made["spec"]["pytorchReplicaSpecs"]["Worker"]["template"]["spec"]


def remove(cluster: kube.Cluster, job: Job, propagation: Literal["Foreground", "Background"]) -> None:
    if found := cluster.job(render.name(job)):
        cluster.delete(found, propagation)


def left(cluster: kube.Cluster, job: Job) -> tuple[Any, list[Any]]:
    return cluster.job(render.name(job)), cluster.pods(render.name(job))


def uid(cluster: kube.Cluster, job: Job) -> str:
    found = cluster.job(render.name(job))
    assert found
    return found["metadata"]["uid"]


def patch(cluster: kube.Cluster, path: str, change: dict[str, Any]) -> None:
    cluster.api.call_api(
        path,
        "PATCH",
        body=change,
        header_params={"Content-Type": "application/merge-patch+json"},
        auth_settings=["BearerToken"],
        _preload_content=False,
    )


def change(cluster: kube.Cluster, job: Job, code: str) -> None:
    """Give the job's next start other code."""
    patch(cluster, f"/api/v1/namespaces/{cluster.namespace}/configmaps/{job.name}", {"data": {"work": IMPORTS + code}})


def until(happened: Callable[[], Any], seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := happened():
            return found
        time.sleep(0.2)
    pytest.fail(f"it did not happen within {seconds} seconds")


def running(cluster: kube.Cluster, job: Job) -> dict[str, dict[str, Any]]:
    """The pods that run, by their replica's number."""
    pods = cluster.pods(render.name(job))
    return {pod["metadata"]["name"][-8:]: pod for pod in pods if pod["status"].get("phase") == "Running"}


def test_two_replicas_succeed_and_the_first_ones_log_is_shown_and_kept(
    cluster: kube.Cluster, make: Make, capfd: pytest.CaptureFixture[str]
):
    code = (
        "for number in range(40):\n"
        "    print(f'evaluate  {number} of 40' if number % 10 == 0 else f'noise {number}', flush=True)\n"
        "    time.sleep(0.1)\n"
        "print(os.environ['PET_NODE_RANK'], os.environ['PET_NNODES'], sys.argv[1], end='')"
    )
    job, place = make(code, nodes=2, fetch="print('fetch     done')")
    begun = time.monotonic()
    pytorchjob.run(job, place)
    shown = capfd.readouterr().out
    assert time.monotonic() - begun < 60
    assert [line for line in shown.splitlines() if " of 40" in line] == [
        f"evaluate  {n} of 40" for n in (0, 10, 20, 30)
    ]
    assert "fetch     done" in shown
    lines = job.log.read_text().splitlines()
    assert lines[0] == "fetch     done"
    assert [line.split()[1] for line in lines[1:-1]] == [str(number) for number in range(40)]
    assert lines[-1] == f"0 2 {job.argument}"
    until(lambda: left(cluster, job) == (None, []), 30)


def test_pods_of_several_nodes_run_under_the_restricted_standard(restricted: kube.Cluster, make: Make):
    job, place = make("print('evaluate  ran')", within=restricted, nodes=2)
    pytorchjob.run(job, place)
    assert job.log.read_text() == "evaluate  ran\n"


@pytest.mark.slow
def test_torchrun_joins_the_processes_of_all_nodes(
    restricted: kube.Cluster, make: Make, monkeypatch: pytest.MonkeyPatch
):
    image = os.environ.get("FIMSMITH_IMAGE_TRAIN")
    if not image:
        pytest.skip("FIMSMITH_IMAGE_TRAIN is not set")
    code = (
        "import torch, torch.distributed as dist\ndist.init_process_group('gloo')\n"
        "whole = torch.tensor(1 + dist.get_rank())\ndist.all_reduce(whole)\n"
        "print(f'evaluate  rank {dist.get_rank()} of {dist.get_world_size()}: {whole.item()}\\n', end='')"
    )
    amend(monkeypatch, lambda made: pod_of(made).pop("initContainers"))  # there is nothing to fetch
    job, place = make(code, within=restricted, nodes=2, image=image, memory="1Gi")
    pytorchjob.run(replace(job, distributed=True, processes=2), place)
    shown = sorted(line for line in job.log.read_text().splitlines() if line.startswith("evaluate"))
    assert shown == ["evaluate  rank 0 of 4: 10", "evaluate  rank 1 of 4: 10"]


def test_pods_that_may_not_be_made_are_named(restricted: kube.Cluster, make: Make, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("fimsmith.launch.watch._START", 10.0)
    quota = {"metadata": {"name": "one"}, "spec": {"hard": {"pods": "1"}}}
    restricted.request("POST", f"/api/v1/namespaces/{restricted.namespace}/resourcequotas", quota)
    text = failure(restricted, make("time.sleep(60)", nodes=2, within=restricted))
    assert text.startswith("evaluate failed: the training operator made only 1 of 2 pods\n  FailedCreatePod: ")
    assert "exceeded quota: one" in text


def test_too_little_memory_is_named_with_a_larger_amount(cluster: kube.Cluster, make: Make):
    made = make("print('step 7 of 9', flush=True); time.sleep(3)\nwhole = bytearray(os.urandom(1 << 20)) * 200")
    text = failure(cluster, made)
    assert text.startswith(
        "evaluate failed: worker-0 was OOMKilled (exit 137) at step 7\n  memory limit 64Mi; /dev/shm"
    )
    assert "\n  fix: run.kubernetes.memory: 96Mi, or lower evaluate.batch" in text
    assert f"\n  log: {made[0].log}" in text


def test_a_worker_without_memory_is_the_cause_and_not_the_first_that_lost_it(cluster: kube.Cluster, make: Make):
    code = (
        "if os.environ['PET_NODE_RANK'] == '1':\n    time.sleep(3)\n    whole = bytearray(os.urandom(1 << 20)) * 200\n"
        "time.sleep(8)\npathlib.Path('/dev/termination-log').write_text('lost: a process went away')\nsys.exit(1)"
    )
    assert failure(cluster, make(code, nodes=2)).startswith("evaluate failed: worker-1 was OOMKilled")


def test_an_image_that_does_not_exist_is_named(cluster: kube.Cluster, make: Make):
    image = "localhost/fimsmith-there-is-none:1"
    begun = time.monotonic()
    text = failure(cluster, make("", image=image))
    assert text.startswith(f"evaluate failed: image {image} cannot be pulled: ")
    assert "\n  fix: run.kubernetes.image: " in text
    assert time.monotonic() - begun < 120


def test_a_node_selector_that_nothing_matches_is_named(cluster: kube.Cluster, make: Make):
    text = failure(cluster, make("", node_selector={"gpu": "h900"}, patience=5))
    assert text.startswith("evaluate failed: no node took worker-0 within 5 seconds: 0/")
    assert "fix: change run.kubernetes.node_selector (it is {'gpu': 'h900'})" in text


def test_more_gpus_than_there_are_is_named(cluster: kube.Cluster, make: Make):
    text = failure(cluster, make("", gpus=64, patience=5))
    assert "Insufficient nvidia.com/gpu" in text
    assert "run.kubernetes.gpus (it is 64)" in text


def test_what_the_fetching_says_is_the_message(cluster: kube.Cluster, make: Make):
    fetch = (
        "import pathlib, sys\nprint('error: S3 refuses the key; set AWS_ACCESS_KEY_ID', file=sys.stderr)\n"
        "pathlib.Path('/dev/termination-log').write_text('S3 refuses the key; set AWS_ACCESS_KEY_ID')\nsys.exit(1)"
    )
    text = failure(cluster, make("", fetch=fetch))
    assert text.startswith(
        "evaluate failed: worker-0 could not fetch its inputs: S3 refuses the key; set AWS_ACCESS_KEY"
    )
    assert "last lines" not in text


def test_what_a_job_says_is_the_message(cluster: kube.Cluster, make: Make):
    code = "pathlib.Path('/dev/termination-log').write_text('the model is broken; set model.path')\nsys.exit(1)"
    text = failure(cluster, make(code))
    assert text.startswith("evaluate failed: the model is broken; set model.path\n  log: ")


def test_a_crash_is_told_with_its_last_lines_and_not_tried_again(cluster: kube.Cluster, make: Make):
    job, place = make("print('evaluate  start', file=sys.stderr)\nraise ValueError('seven is odd')")
    text = failure(cluster, (job, place))
    assert text.startswith("evaluate failed: worker-0 ended with exit code 1\n")
    assert text.endswith("\n    ValueError: seven is odd")
    assert job.log.read_text().count("evaluate  start") == 1


def test_a_missing_account_is_named_by_the_events(cluster: kube.Cluster, make: Make, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("fimsmith.launch.watch._START", 10.0)
    assert "service account" in failure(cluster, make("", service_account="nobody")).lower()


def test_a_missing_key_of_a_secret_is_named(cluster: kube.Cluster, make: Make):
    job, place = make("")
    wanted = {"secretKeyRef": {"name": "there-is-none", "key": "token"}}
    job.placement.env.append({"name": "TOKEN", "valueFrom": wanted})
    assert 'secret "there-is-none" not found' in failure(cluster, (job, place))


def test_a_job_that_takes_too_long_is_ended(cluster: kube.Cluster, make: Make):
    text = failure(cluster, make("time.sleep(100)", deadline=8))
    assert text.startswith("evaluate failed: it was not done within 8 seconds\n  fix: run.kubernetes.deadline: 16")


def test_a_full_disk_is_named(cluster: kube.Cluster, make: Make):
    code = "open('/scratch/x', 'wb').write(bytes(90 << 20))\ntime.sleep(150)"
    text = failure(cluster, make(code, disk="16Mi", memory="256Mi"))
    assert "EmptyDir" in text
    assert "fix: run.kubernetes.disk: 24Mi (it is 16Mi)" in text


def test_a_second_launcher_follows_the_job_that_runs(cluster: kube.Cluster, make: Make, capfd):
    job, place = make("for n in range(20):\n    print(f'evaluate  {n}', flush=True)\n    time.sleep(0.5)")
    other = replace(job, folder=job.folder.with_name("other"))
    other.log.parent.mkdir(parents=True)
    with ThreadPoolExecutor() as threads:
        first = threads.submit(pytorchjob.run, job, place)
        until(lambda: running(cluster, job))
        storage.write(job.outcome, "{}")  # as the job would: the launcher that sees its end last finds it deleted
        pytorchjob.run(other, place)
        first.result()
    assert other.log.read_text() == job.log.read_text() == "".join(f"evaluate  {n}\n" for n in range(20))
    shown = capfd.readouterr().out
    assert shown.count("is there already: following it") == 1
    assert "starting again" not in shown
    until(lambda: left(cluster, job) == (None, []))


def test_a_job_that_failed_unseen_is_made_anew(cluster: kube.Cluster, make: Make):
    job, place = make("sys.exit(3)")
    cluster.create(render.manifest(job, place, kube.home(cluster), cluster.namespace))
    until(lambda: condition(cluster.job(render.name(job)) or {}, "Failed"))
    change(cluster, job, "print('better')")
    pytorchjob.run(job, place)
    assert job.log.read_text() == "better\n"


def test_a_job_that_runs_for_another_root_is_left_alone(cluster: kube.Cluster, make: Make):
    job, place = make("time.sleep(60)")
    cluster.create(render.manifest(job, place, kube.home(cluster), cluster.namespace))
    made = uid(cluster, job)
    with pytest.raises(JobError, match=r"does the same work for another run.root"):
        pytorchjob.run(replace(job, destination="s3://elsewhere/x"), place)
    assert uid(cluster, job) == made


def test_after_a_killed_worker_the_job_starts_again_and_succeeds(cluster: kube.Cluster, make: Make, capfd):
    job, place = make("print('evaluate  first', flush=True)\ntime.sleep(60)", nodes=2)
    with ThreadPoolExecutor() as threads:
        running_job = threads.submit(pytorchjob.run, job, place)
        until(lambda: len(running(cluster, job)) == 2)
        change(cluster, job, "print('evaluate  second')")
        path = f"/api/v1/namespaces/{cluster.namespace}/pods/{render.name(job)}-worker-1"
        cluster.request("DELETE", path, {"gracePeriodSeconds": 0})
        running_job.result()
    assert "evaluate  second" in job.log.read_text()
    shown = capfd.readouterr().out
    assert "worker-1 was lost" in shown
    assert "starting again at the last checkpoint (1 of 1)" in shown


def test_what_is_lost_again_and_again_is_given_up(cluster: kube.Cluster, make: Make):
    code = "pathlib.Path('/dev/termination-log').write_text('lost: a process went away')\nsys.exit(1)"
    text = failure(cluster, make(code))
    assert text.startswith("evaluate failed: worker-0: lost: a process went away\n  it was started 2 times")


def test_a_process_that_something_killed_starts_again(cluster: kube.Cluster, make: Make):
    text = failure(cluster, make("import signal\nif os.fork():\n    os.wait()\n    sys.exit(137)\nos._exit(0)"))
    assert text.startswith("evaluate failed: worker-0 ended with SIGKILL\n  it was started 2 times")


def test_a_job_that_someone_deletes_is_said_to_be_deleted(cluster: kube.Cluster, make: Make):
    job, place = make("time.sleep(60)")
    with ThreadPoolExecutor() as threads:
        ending = threads.submit(failure, cluster, (job, place))
        until(lambda: running(cluster, job))
        remove(cluster, job, "Foreground")
        assert "was deleted by someone else" in ending.result()


def test_a_queued_job_waits_without_limit_and_says_so(cluster: kube.Cluster, make: Make, capfd):
    job, place = make("print('evaluate  ran')", queue="gpus", patience=6)
    with ThreadPoolExecutor() as threads:
        running_job = threads.submit(pytorchjob.run, job, place)
        until(lambda: cluster.job(render.name(job)))
        time.sleep(8)
        assert not running_job.done()
        patch(
            cluster,
            f"{kube.JOBS.format(cluster.namespace)}/{render.name(job)}",
            {"spec": {"runPolicy": {"suspend": False}}},
        )
        running_job.result()
    shown = capfd.readouterr().out
    assert shown.count("queued by Kueue in gpus") == 1
    assert "evaluate  ran" in shown


@pytest.fixture
def dead_webhook(cluster: kube.Cluster) -> Iterator[None]:
    path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
    cluster.request(
        "POST", path, {"metadata": {"name": cluster.namespace}, "webhooks": [kfp_run.dead_webhook(cluster.namespace)]}
    )
    time.sleep(2)  # the API server looks after its webhooks once a second
    yield
    cluster.request("DELETE", f"{path}/{cluster.namespace}")
    time.sleep(2)


def test_an_operator_whose_webhook_is_down_is_named(cluster: kube.Cluster, make: Make, dead_webhook: None):
    text = failure(cluster, make(""))
    assert "the Kubeflow training operator v1 (PyTorchJob, kubeflow.org/v1) does not answer" in text
    assert "failed calling webhook" in text


def test_an_operator_that_takes_no_notice_of_the_job_is_named(
    cluster: kube.Cluster, make: Make, monkeypatch: pytest.MonkeyPatch
):
    other = "kueue.x-k8s.io/multikueue"  # the operator leaves such jobs alone
    amend(monkeypatch, lambda made: made["spec"]["runPolicy"].update(managedBy=other))
    monkeypatch.setattr("fimsmith.launch.watch._START", 5.0)
    text = failure(cluster, make(""))
    assert "the training operator takes no notice of it" in text


def test_a_missing_right_is_named(make: Make, monkeypatch: pytest.MonkeyPatch):
    made = make("")
    connect = kube.Cluster._connect

    def as_nobody(self: kube.Cluster) -> None:
        connect(self)
        self.api.default_headers["Impersonate-User"] = "nobody"

    monkeypatch.setattr(kube.Cluster, "_connect", as_nobody)
    with pytest.raises(JobError, match='missing right: .*User "nobody" cannot .* resource "pytorchjobs"'):
        pytorchjob.run(*made)


DRIVER = """
import json, pathlib, sys
from fimsmith import config, storage
from fimsmith.launch import Job, pytorchjob, render
from fimsmith.launch.placement import Placement
job, run, placement, render._END = json.loads(sys.argv[1])
job = Job(**{**job, "folder": pathlib.Path(job["folder"]), "placement": Placement(**placement)})
try:
    pytorchjob.run(job, config.Run(**run))
except Exception as error:
    sys.exit(str(error))
"""


@pytest.fixture
def launcher(cluster: kube.Cluster, make: Make) -> Iterator[Callable[..., tuple[subprocess.Popen[str], Job]]]:
    """Start a launcher in a process of its own, whose job sleeps and knows no signals, and wait until its pod runs."""
    started = []

    def start(code: str = "", grace: int = 30, **environment: str) -> tuple[subprocess.Popen[str], Job]:
        job, place = make(f"{code}\ntime.sleep(400)")
        fields = {name: getattr(job, name) for name in ("name", "stage", "module", "destination")}
        what = [fields | {"folder": str(job.folder)}, place.model_dump(mode="json"), asdict(job.placement), grace]
        process = subprocess.Popen(
            [sys.executable, "-c", DRIVER, json.dumps(what)],
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        until(lambda: running(cluster, job))
        time.sleep(1)  # it has seen the pod, too
        return process, job

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_launcher_on_a_laptop_that_is_stopped_deletes_its_job(
    cluster: kube.Cluster, launcher, number: signal.Signals
):
    process, job = launcher()
    begun = time.monotonic()
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    print(f"gone after {time.monotonic() - begun:.1f} s")
    assert time.monotonic() - begun < 20
    assert f"evaluate was stopped by {number.name}; run the same command again to go on" in errors
    assert left(cluster, job) == (None, [])


@pytest.fixture
def step(cluster: kube.Cluster) -> Iterator[str]:
    """A pod that belongs to a Workflow, as a step of a KFP run does; yields the name of both."""
    name = f"step-{uuid.uuid4().hex[:6]}"
    api = "argoproj.io/v1alpha1"
    template = {"name": "main", "suspend": {}}
    workflow = {"apiVersion": api, "kind": "Workflow", "metadata": {"name": name}}
    try:
        made = cluster.request(
            "POST",
            f"/apis/{api}/namespaces/{cluster.namespace}/workflows",
            workflow | {"spec": {"suspend": True, "entrypoint": "main", "templates": [template]}},
        )
    except Refused as error:
        pytest.skip(f"this cluster knows no Workflows: {error.status}")
    owner = {"apiVersion": api, "kind": "Workflow", "name": name, "uid": made["metadata"]["uid"]}
    metadata = {"name": name, "labels": {"pipeline/runid": "run-1"}, "ownerReferences": [owner]}
    security = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    container = {
        "name": "main",
        "image": IMAGE,
        "command": ["sleep", "1000"],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    pod = {
        "metadata": metadata,
        "spec": {"securityContext": security, "containers": [container], "terminationGracePeriodSeconds": 1},
    }
    cluster.request("POST", f"/api/v1/namespaces/{cluster.namespace}/pods", pod)
    yield name
    cluster.request("DELETE", f"/apis/{api}/namespaces/{cluster.namespace}/workflows/{name}")


def test_a_step_of_a_run_that_is_terminated_deletes_its_job_before_the_signal(
    cluster: kube.Cluster, launcher, step: str
):
    _, job = launcher(KFP_POD_NAME=step)
    made = cluster.job(render.name(job))
    assert made is not None
    assert made["metadata"]["labels"]["fimsmith.dev/run"] == "run-1"
    assert made["metadata"]["ownerReferences"][0]["name"] == step
    begun = time.monotonic()
    path = f"/apis/argoproj.io/v1alpha1/namespaces/{cluster.namespace}/workflows/{step}"
    patch(cluster, path, {"spec": {"activeDeadlineSeconds": 0}})
    until(lambda: cluster.job(render.name(job)) is None, 30)
    print(f"job gone after {time.monotonic() - begun:.2f} s")
    until(lambda: not cluster.pods(render.name(job)), 60)
    print(f"pods gone after {time.monotonic() - begun:.2f} s")


def test_pods_that_hang_are_soon_killed_when_the_run_is_terminated(cluster: kube.Cluster, launcher, step: str):
    _, job = launcher("import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)", 300, KFP_POD_NAME=step)
    path = f"/apis/argoproj.io/v1alpha1/namespaces/{cluster.namespace}/workflows/{step}"
    patch(cluster, path, {"spec": {"activeDeadlineSeconds": 0}})
    until(lambda: left(cluster, job) == (None, []), 90)


def test_a_step_whose_pod_is_deleted_leaves_its_job(cluster: kube.Cluster, launcher, step: str):
    process, job = launcher(KFP_POD_NAME=step)
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.wait(10)
    took = time.monotonic() - begun
    print(f"ended after {took:.2f} s")
    assert took < 1
    time.sleep(2)
    made = cluster.job(render.name(job))
    assert made is not None
    assert not made["metadata"].get("deletionTimestamp")
    assert running(cluster, job)


def test_a_step_that_cannot_read_its_run_deletes_its_job_at_the_signal(cluster: kube.Cluster, launcher):
    process, job = launcher(KFP_POD_NAME="a-pod-that-is-not-there")
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.wait(10)
    took = time.monotonic() - begun
    print(f"ended after {took:.2f} s")
    assert took < 1
    until(lambda: left(cluster, job) == (None, []), 60)
