"""The demo on a real Kubeflow Pipelines back end, as the README starts it, with a PyTorchJob of two pods.

Needs KUBECONFIG, KFP_ENDPOINT, the images FIMSMITH_IMAGE_PIPELINE and FIMSMITH_IMAGE_TRAIN in the cluster, and an S3
store: AWS_ENDPOINT_URL as this machine reaches it, FIMSMITH_TEST_S3 as pods do, FIMSMITH_TEST_BUCKET.
The tests run in their order: each starts from what the first run left.
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

from fimsmith import configfile, storage

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.xdist_group("kfp")]
ROOT = Path(__file__).parents[2]
NAMESPACE = "kubeflow"
FIMSMITH = str(Path(sys.executable).with_name("fimsmith"))
KFP = str(Path(sys.executable).with_name("kfp"))
NEEDED = ("KUBECONFIG", "KFP_ENDPOINT", "FIMSMITH_IMAGE_PIPELINE", "FIMSMITH_IMAGE_TRAIN", "FIMSMITH_TEST_S3")
MINUTES = 15


def kubectl(*arguments: str, check: bool = True) -> str:
    done = subprocess.run(["kubectl", "-n", NAMESPACE, *arguments], capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout


def jobs() -> list[str]:
    """The names of all jobs."""
    return kubectl("get", "pytorchjobs", "-o", "name").split()


def pods() -> list[str]:
    """The names of all jobs' pods."""
    return kubectl("get", "pods", "-l", "training.kubeflow.org/job-name", "-o", "name").split()


@pytest.fixture(scope="module", autouse=True)
def release() -> Iterator[str]:
    """The chart as the documentation installs it, and the Secret with the store's keys."""
    if missing := [name for name in NEEDED if not os.environ.get(name)]:
        pytest.skip(f"{', '.join(missing)} not set")
    keys = {name: os.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    keys |= {"AWS_ENDPOINT_URL": os.environ["FIMSMITH_TEST_S3"], "AWS_REGION": "us-east-1"}
    kubectl("delete", "secret", "fimsmith-s3", "--ignore-not-found")
    kubectl(
        "create", "secret", "generic", "fimsmith-s3", *(f"--from-literal={key}={value}" for key, value in keys.items())
    )
    images = []
    for name in ("pipeline", "train"):
        repository, _, tag = os.environ[f"FIMSMITH_IMAGE_{name.upper()}"].rpartition(":")
        images += ["--set", f"images.{name}.repository={repository}", "--set", f"images.{name}.tag={tag}"]
    subprocess.run(
        ["helm", "upgrade", "--install", "fimsmith", str(ROOT / "charts/fimsmith"), "-n", NAMESPACE, *images, "--wait"],
        check=True,
    )
    yield "fimsmith"
    subprocess.run(["helm", "uninstall", "fimsmith", "-n", NAMESPACE, "--wait"], check=True)


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """configs/demo-kubernetes.yaml with a root of this session's own and the images in the cluster."""
    place = f"s3://{os.environ.get('FIMSMITH_TEST_BUCKET', 'mlpipeline')}/test-{uuid.uuid4().hex[:8]}"
    content = yaml.safe_load((ROOT / "configs/demo-kubernetes.yaml").read_text(encoding="utf-8"))
    content["run"] |= {"root": place}
    content["run"]["kubernetes"] |= {"image": os.environ["FIMSMITH_IMAGE_TRAIN"], "patience": 120}
    content["model"]["path"] = f"{place}/tiny-model"
    path = tmp_path_factory.mktemp("kfp") / "demo.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    here = [
        f"sources.{number}.location={ROOT / name}"
        for number, name in enumerate(("examples/shop", "examples/toolkit", "examples/shop/docs"))
    ]
    overrides = [part for each in [*here, f"run.root={path.parent}/data"] for part in ("--set", each)]
    sizes = ["--vocabulary", "2048", "--hidden", "128", "--layers", "2"]
    subprocess.run([FIMSMITH, "tiny-model", str(path), *sizes, *overrides], check=True, cwd=path.parent)
    return path


def arguments(path: Path, *changes: str) -> list[str]:
    """The pipeline's parameters as the command line of kfp takes them."""
    parameters = configfile.load(path, changes).parameters()
    return [f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in parameters.items()]


@pytest.fixture(scope="module")
def client() -> Any:
    from kfp import Client

    return Client(host=os.environ["KFP_ENDPOINT"])


@pytest.fixture(scope="module")
def start(client: Any, configuration: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Start a run with `kfp run submit` and return its id."""
    package = tmp_path_factory.mktemp("package") / "pipeline.yaml"
    subprocess.run(
        [KFP, "dsl", "compile", "--py", "pipelines/finetune.py", "--output", str(package)], check=True, cwd=ROOT
    )

    def begin(*changes: str) -> str:
        name = f"demo {uuid.uuid4().hex[:8]}"
        command = [
            KFP,
            "--endpoint",
            os.environ["KFP_ENDPOINT"],
            "run",
            "submit",
            "-e",
            "demo",
            "-r",
            name,
            "-f",
            str(package),
        ]
        subprocess.run([*command, *arguments(configuration, *changes)], check=True)
        found = client.list_runs(page_size=50, sort_by="created_at desc").runs
        return next(run.run_id for run in found if run.display_name == name)

    return begin


def end(client: Any, run: str, minutes: float = MINUTES) -> Any:
    deadline = time.monotonic() + 60 * minutes
    while time.monotonic() < deadline:
        found = client.get_run(run)
        if found.state in ("SUCCEEDED", "FAILED", "CANCELED"):
            return found
        time.sleep(2)
    pytest.fail(f"run {run} has not ended in {minutes} minutes")


@pytest.fixture(scope="module")
def first(start: Callable[..., str], client: Any) -> Any:
    return end(client, start())


def manifests(configuration: Path) -> dict[str, list[dict[str, Any]]]:
    """Every finished stage's manifests below the root."""
    root, found = configfile.load(configuration).run.root, {}
    for name in storage.list_files(root):
        if name.endswith("/manifest.json"):
            found.setdefault(name.split("/")[0], []).append(json.loads(storage.read(f"{root}/{name}") or b""))
    return found


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
    assert pods() == []


def test_an_identical_run_is_served_from_what_exists(
    first: Any, start: Callable[..., str], client: Any, configuration: Path
):
    before = manifests(configuration)
    assert end(client, start()).state == "SUCCEEDED"
    assert manifests(configuration) == before


def test_another_learning_rate_redoes_the_training_and_not_the_data(
    first: Any, start: Callable[..., str], client: Any, configuration: Path
):
    before = manifests(configuration)
    change = ["train.learning_rate=1e-3", "train.max_steps=20", "export.require_gate=false"]
    assert end(client, start(*change)).state == "SUCCEEDED"
    after = manifests(configuration)
    for stage in ("ingest", "curate", "fim", "mix"):
        assert after[stage] == before[stage]
    assert {stage: len(after[stage]) for stage in ("train", "evaluate", "export", "report")} == {
        "train": 2, "evaluate": 3, "export": 2, "report": 2
    }  # fmt: skip


def training(minutes: float = 5) -> None:
    """Wait until a job trains."""
    deadline = time.monotonic() + 60 * minutes
    while time.monotonic() < deadline:
        for job in jobs():
            name = job.rpartition("/")[2]
            if "step 1 of" in kubectl("logs", f"{name}-worker-0", "-c", "pytorch", check=False):
                return
        time.sleep(1)
    pytest.fail("no job trains")


def test_a_terminated_run_leaves_no_job_and_no_pods(first: Any, start: Callable[..., str], client: Any):
    run = start("train.learning_rate=5e-4", "train.max_steps=2000")
    training()
    client.terminate_run(run)
    deadline = time.monotonic() + 60
    while jobs() or pods():
        assert time.monotonic() < deadline, f"still there: {jobs()} {pods()}"
        time.sleep(1)
    end(client, run)


def test_submit_shows_the_stages_and_the_loss_and_tells_failure_by_its_status(first: Any, configuration: Path):
    command = [FIMSMITH, "submit", str(configuration), "--watch", "-n", NAMESPACE]
    good = subprocess.run(command, capture_output=True, text=True, check=False)
    assert good.returncode == 0, good.stdout + good.stderr
    assert "the run has succeeded" in good.stdout
    changes = ["--set", "train.learning_rate=3e-4", "--set", "run.kubernetes.node_selector={nothing: here}"]
    bad = subprocess.run(
        [*command, *changes, "--set", "run.kubernetes.patience=20"], capture_output=True, text=True, check=False
    )
    assert bad.returncode == 1
    assert "run.kubernetes.node_selector" in bad.stderr
    assert jobs() == []
    assert pods() == []
